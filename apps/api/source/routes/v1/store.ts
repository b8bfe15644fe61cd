import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sweepStore } from '../../artifacts/sweep.ts';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const querystring = z.strictObject({
  remove: z
    .enum(['true', 'false'])
    .default('false')
    .describe('`true` removes the files, `false` only counts them.'),
  olderThanSeconds: z.coerce
    .number()
    .int()
    .min(3600)
    .max(3_155_760_000)
    .default(86_400)
    .describe(
      'Only files that were last used longer ago are counted or removed, because a running stage may be about to name younger ones.',
    ),
  force: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      '`true` removes the files although another service has used the store, or although most of it would be removed.',
    ),
});

/** `POST /v1/store/sweep` */
export const store: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  app.post(
    '/store/sweep',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'sweepStore',
        tags: ['operation'],
        summary:
          'Count or remove files that no job of this service needs. `state_conflict` when something suggests that jobs are missing from Redis',
        querystring,
        response: {
          200: z.object({
            removed: z.boolean().describe('Whether they were removed.'),
            blobs: z.number().int().describe('Orphaned blobs: files that no manifest names.'),
            bytes: z.number().int().describe('Their size in bytes.'),
            checkpoints: z.number().int().describe('Checkpoints of jobs that no longer exist.'),
            shared: z
              .number()
              .int()
              .describe('Shared teachers, outputs and auxiliary networks that no job names.'),
          }),
          ...problems,
        },
      },
    },
    async ({ query: { olderThanSeconds, ...flags } }) => {
      const [remove, force] = [flags.remove === 'true', flags.force === 'true'];
      const before = new Date((await store.now()).getTime() - olderThanSeconds * 1000);
      return { removed: remove, ...(await sweepStore(queue, store, { before, remove, force })) };
    },
  );
};
