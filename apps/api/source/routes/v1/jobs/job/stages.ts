import { stageStates, stageViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sendJson } from '../../../../http/send-json.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const querystring = z.strictObject({
  state: z.enum(stageStates).optional().describe('Stages in this state.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('The most stages of a page.'),
  after: z.string().max(200).optional().describe('Stages after this one: `next` of the page before.'),
});

/** `GET /v1/jobs/:id/stages` */
export const stages: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
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
    async ({ params: { id }, query }, reply) => sendJson(reply, await records.ask('stages', id, query)),
  );
};
