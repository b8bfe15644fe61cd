import { workersViewSchema } from '@distillery/spec';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { projectSeenBy } from '../../caller.ts';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

/** `GET /v1/workers` */
export const workers: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  openToProjects(app);
  app.get(
    '/workers',
    {
      schema: {
        operationId: 'getWorkload',
        tags: ['operation'],
        summary: 'The workers that are alive, what each of them runs, and what waits',
        response: { 200: workersViewSchema, ...problems },
      },
    },
    async ({ caller }) => queue.workload(projectSeenBy(caller)),
  );
};
