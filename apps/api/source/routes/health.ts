import { DistilleryError } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../http/responses.ts';
import type { Services } from '../services.ts';

const config = { scope: 'public' } as const;
const tags = ['operation'];
const absentDigest = '0'.repeat(64);

export const health: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
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
        summary: 'Whether Redis and the store can be used',
        response: { 200: healthy, ...problems },
      },
    },
    async () => {
      await queue.ping();
      await store.stat(absentDigest).catch((cause: unknown) => {
        throw new DistilleryError('store_unavailable', 'the artifact store does not respond', { cause });
      });
      return { status: 'ok' as const };
    },
  );
};
