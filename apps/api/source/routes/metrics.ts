import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../http/responses.ts';
import type { Exposition } from '../metrics/exposition.ts';

/** `GET /metrics` */
export const metrics: FastifyPluginAsyncZod<{ exposition: Exposition }> = async (app, { exposition }) => {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getServiceMetrics',
        tags: ['operation'],
        summary: 'Metrics of the service and of this process, for Prometheus',
        response: {
          200: {
            description: "The metrics in Prometheus' text format",
            content: { 'text/plain': { schema: z.string() } },
          },
          ...problems,
        },
      },
    },
    async (_request, reply) => reply.type(exposition.contentType).send(await exposition.text()),
  );
};
