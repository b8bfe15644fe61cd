import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/spec` */
export const spec: FastifyPluginAsyncZod<Services> = async (app, { queue, catalogue }) => {
  app.get(
    '/spec',
    {
      schema: {
        operationId: 'getJobSpec',
        tags: ['jobs'],
        summary: 'The spec of a job as it was submitted, which can be submitted again',
        params,
        response: { 200: catalogue.jobSpec, ...problems },
      },
    },
    async ({ params: { id } }, reply) => {
      const { posted } = await queue.jobs.spec(id);
      // Sent as it was submitted: an earlier version may have had other fields.
      return reply
        .type('application/json; charset=utf-8')
        .serializer(JSON.stringify)
        .send(posted as never);
    },
  );
};
