import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../http/responses.ts';
import type { Services } from '../services.ts';
import { storeProbe } from '../store-probe.ts';

const config = { scope: 'public' } as const;
const tags = ['operation'];

export const health: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  const storeIsWritable = storeProbe(store);
  const healthy = z.object({ status: z.literal('ok') });

  app.get(
    '/healthz',
    {
      config,
      schema: {
        operationId: 'checkHealth',
        tags,
        summary: 'Whether the process is alive',
        response: { 200: healthy, ...problems },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      config,
      schema: {
        operationId: 'checkReadiness',
        tags,
        summary: 'Whether Redis can be used and the store can be written',
        response: { 200: healthy, ...problems },
      },
    },
    async () => {
      await queue.ping();
      await storeIsWritable();
      return { status: 'ok' as const };
    },
  );
};
