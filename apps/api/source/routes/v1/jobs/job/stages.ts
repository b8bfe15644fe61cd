import { DistilleryError, stageStates, stageViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const querystring = z.strictObject({
  state: z.enum(stageStates).optional().describe('Stages in this state.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('The most stages of a page.'),
  after: z.string().max(200).optional().describe('Stages after this one: `next` of the page before.'),
});

/** `GET /v1/jobs/:id/stages` */
export const stages: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  app.get(
    '/stages',
    {
      schema: {
        operationId: 'listStages',
        tags: ['jobs'],
        summary: 'The stages of a job, each after those that it needs',
        params,
        querystring,
        response: {
          200: z.object({
            stages: z.array(stageViewSchema),
            next: z.string().nullable().describe('The `after` of the next page; null on the last page.'),
          }),
          ...problems,
        },
      },
    },
    async ({ params: { id }, query: { state, limit, after } }) => {
      const { stages: all } = (await queue.jobs.get(id)).view;
      const last = all.findIndex((stage) => stage.id === after);
      if (after !== undefined && last === -1) {
        const message = 'must be `next` of the page before: the job has no such stage';
        throw new DistilleryError('malformed_request', `#/query/after: ${message}`, {
          fields: [{ path: '#/query/after', message, value: after }],
        });
      }
      const found = all.slice(last + 1).filter((stage) => state === undefined || stage.state === state);
      const page = found.slice(0, limit);
      return { stages: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null };
    },
  );
};
