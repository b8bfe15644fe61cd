import {
  DistilleryError,
  newProjectSchema,
  projectQuotaChangeSchema,
  projectSchema,
  projectViewSchema,
} from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { projectSeenBy } from '../../caller.ts';
import { openToProjects } from '../../http/open-to-projects.ts';
import { problems } from '../../http/responses.ts';
import { usedBy } from '../../projects/used.ts';
import type { Services } from '../../services.ts';

const config = { scope: 'admin' } as const;
const tags = ['operation'];
const params = z.object({ project: z.string().describe('The name of the project.') });

/** `/v1/projects`: groups of keys that see only what is theirs, with quotas. */
export const projects: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  openToProjects(app);

  app.get(
    '/projects',
    {
      schema: {
        operationId: 'listProjects',
        tags,
        summary: 'The projects by name; a key of a project gets its own',
        response: { 200: z.object({ projects: z.array(projectSchema) }), ...problems },
      },
    },
    async ({ caller }) => {
      const own = projectSeenBy(caller);
      const all = await queue.projects.list();
      return { projects: all.filter(({ name }) => own === undefined || name === own) };
    },
  );

  app.post(
    '/projects',
    {
      config,
      schema: {
        operationId: 'createProject',
        tags,
        summary: 'Create a project. Keys that are created for it see what belongs to it alone',
        body: newProjectSchema,
        response: { 201: projectSchema, ...problems },
      },
    },
    async ({ body: { name, quota } }, reply) =>
      reply.code(201).send(await queue.projects.create(name, quota)),
  );

  app.get(
    '/projects/:project',
    {
      schema: {
        operationId: 'getProject',
        tags,
        summary: 'A project with its quotas and what it uses',
        params,
        response: { 200: projectViewSchema, ...problems },
      },
    },
    async ({ params: { project }, caller }) => {
      const own = projectSeenBy(caller);
      if (own !== undefined && own !== project) {
        throw new DistilleryError('project_not_found', `there is no project ${JSON.stringify(project)}`);
      }
      const found = await queue.projects.get(project);
      return { ...found, used: await usedBy(queue, store, project) };
    },
  );

  app.patch(
    '/projects/:project',
    {
      config,
      schema: {
        operationId: 'changeProject',
        tags,
        summary: 'Change the quotas of a project; null takes a limit away',
        params,
        body: projectQuotaChangeSchema,
        response: { 200: projectSchema, ...problems },
      },
    },
    async ({ params: { project }, body }) => queue.projects.setQuota(project, body),
  );
};
