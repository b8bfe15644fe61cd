import { DistilleryError, scrubReportSchema, sweepReportSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createScrubber } from '../../artifacts/scrubber.ts';
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

/** `POST /v1/store/sweep`, `POST` and `GET /v1/store/scrub` */
export const store: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  const scrubber = createScrubber(queue, store);
  app.addHook('onClose', () => scrubber.close());

  app.post(
    '/store/scrub',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'beginScrub',
        tags: ['operation'],
        summary:
          'Begin to compare every file of the store with its digest, in the background. While a scrub runs, its report is the answer',
        querystring: z.strictObject({
          remove: z
            .enum(['true', 'false'])
            .default('false')
            .describe('`true` removes damaged files, so that the next job that needs one computes it again.'),
        }),
        response: { 202: scrubReportSchema, ...problems },
      },
    },
    async ({ query: { remove } }, reply) => reply.code(202).send(await scrubber.start(remove === 'true')),
  );

  app.get(
    '/store/scrub',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getScrub',
        tags: ['operation'],
        summary: 'The report of the scrub that runs, or of the last one',
        response: { 200: scrubReportSchema, ...problems },
      },
    },
    async () => {
      const report = await queue.scrubs.read();
      if (report !== undefined) return report;
      throw new DistilleryError('not_ready', 'the store was never scrubbed: POST /v1/store/scrub begins it');
    },
  );

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
          200: sweepReportSchema,
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
