import { jobStates, jobSummarySchema } from '@distillery/spec';
import { openToProjects } from '../../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { projectSeenBy } from '../../../caller.ts';
import { problems } from '../../../http/responses.ts';
import type { Services } from '../../../services.ts';

const label = z.string().regex(/^[A-Za-z0-9._/-]{1,63}=/, 'must be key=value');

const querystring = z.strictObject({
  state: z.enum(jobStates).optional().describe('Jobs in this state.'),
  label: z
    .union([label, z.array(label).max(32)])
    .optional()
    .describe('`key=value`. Given several times, jobs must have all of these labels.'),
  owner: z.string().max(127).optional().describe('Jobs of this owner: the name of an API key.'),
  name: z.string().max(120).optional().describe('Jobs whose name contains this text, in any case.'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('The most jobs of a page.'),
  after: z
    .string()
    .regex(/^job_[0-9a-z]{26}$/, 'must be `next` of the page before')
    .optional()
    .describe('Jobs after this position: `next` of the page before.'),
});

/** `GET /v1/jobs` */
export const list: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  openToProjects(app);
  app.get(
    '/jobs',
    {
      schema: {
        operationId: 'listJobs',
        tags: ['jobs'],
        summary: 'List jobs, newest first',
        querystring,
        response: {
          200: z.object({
            jobs: z.array(jobSummarySchema),
            next: z.string().nullable().describe('The `after` of the next page; null on the last page.'),
          }),
          ...problems,
        },
      },
    },
    async ({ query: { label: labels = [], ...query }, caller }) => {
      const pairs = [labels].flat().map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      });
      return queue.jobs.list({
        ...query,
        labels: Object.fromEntries(pairs),
        project: projectSeenBy(caller),
      });
    },
  );
};
