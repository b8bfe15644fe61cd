import { workersViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

/** `GET /v1/workers` */
export const workers: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
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
    async () => queue.workload(),
  );
};
