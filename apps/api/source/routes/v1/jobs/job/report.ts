import { reportSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { sendJson } from '../../../../http/send-json.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/report` */
export const report: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/report',
    {
      schema: {
        operationId: 'getReport',
        tags: ['jobs'],
        summary: 'The report: every student beside its control. `not_ready` before the job has succeeded',
        params,
        response: { 200: reportSchema, ...problems },
      },
    },
    async ({ params: { id } }, reply) => sendJson(reply, await records.ask('report', id)),
  );
};
