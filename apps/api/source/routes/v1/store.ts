import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sweepStore } from '../../artifacts.ts';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const querystring = z.strictObject({
  remove: z.enum(['true', 'false']).default('false').describe('false: only say what there is'),
  olderThanSeconds: z.coerce
    .number()
    .int()
    .min(3600)
    .max(3_155_760_000)
    .default(86_400)
    .describe('files that are younger may be of stages that are about to name them'),
});

/** `POST /v1/store/sweep` */
export const store: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  app.post(
    '/store/sweep',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['operation'],
        summary: 'Find, and remove, files that no job needs; where other queues share the store, theirs too',
        querystring,
        response: {
          200: z.object({
            removed: z.boolean(),
            blobs: z.number().int().describe('files that nothing names'),
            bytes: z.number().int().describe('their size'),
            checkpoints: z.number().int().describe('checkpoints of jobs that are not there any more'),
          }),
          ...problems,
        },
      },
    },
    async ({ query: { olderThanSeconds, remove: wanted } }) => {
      const remove = wanted === 'true';
      const before = new Date(Date.now() - olderThanSeconds * 1000);
      return { removed: remove, ...(await sweepStore(queue, store, { before, remove })) };
    },
  );
};
