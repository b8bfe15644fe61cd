import { analysisSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { problems } from '../../../../http/responses.ts';
import { sendJson } from '../../../../http/send-json.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/analysis` */
export const analysis: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/analysis',
    {
      schema: {
        operationId: 'getAnalysis',
        tags: ['jobs'],
        summary:
          'How the networks answer on the test set: accuracy for each class, confusion and calibration. `not_ready` before the first student is trained',
        params,
        response: { 200: analysisSchema, ...problems },
      },
    },
    async ({ params: { id } }, reply) => sendJson(reply, await records.ask('analysis', id)),
  );
};
