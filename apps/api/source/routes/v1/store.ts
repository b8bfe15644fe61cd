import {
  DistilleryError,
  type Hold,
  holdSchema,
  scrubReportSchema,
  sweepReportSchema,
} from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { createScrubber } from '../../artifacts/scrubber.ts';
import { beginHold } from '../../artifacts/hold.ts';
import { heldError, sweepStore } from '../../artifacts/sweep.ts';
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

/** `POST /v1/store/sweep`, `POST` and `GET /v1/store/scrub`, `GET`, `PUT` and `DELETE /v1/store/hold` */
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
          content: z
            .enum(['true', 'false'])
            .default('true')
            .describe(
              '`false` reads no blob and looks only whether those that jobs and manifests name are there, which tells soon whether Redis and the store belong together.',
            ),
        }),
        response: { 202: scrubReportSchema, ...problems },
      },
    },
    async ({ query: { remove, content } }, reply) => {
      const until = remove === 'true' ? await queue.hold.until() : null;
      if (until !== null) throw heldError(until);
      return reply
        .code(202)
        .send(await scrubber.start({ remove: remove === 'true', content: content === 'true' }));
    },
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

  app.get(
    '/store/hold',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getHold',
        tags: ['operation'],
        summary: 'Until when nothing is removed from the store',
        response: { 200: holdSchema, ...problems },
      },
    },
    async () => holdUntil(await queue.hold.until()),
  );

  app.put(
    '/store/hold',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'holdStore',
        tags: ['operation'],
        summary:
          'Remove nothing from the store for some hours, or until `DELETE`, so that a backup of Redis and then of the store is complete',
        description:
          'The answer comes when removals that have begun before have ended; `not_ready` when they take longer than 20 seconds: the hold has begun, and the request can be sent again. A second request replaces the end of the hold.',
        querystring: z.strictObject({
          hours: z.coerce
            .number()
            .min(0.01)
            .max(168)
            .default(6)
            .describe('Hours after which the hold ends by itself.'),
        }),
        response: { 200: holdSchema, ...problems },
      },
    },
    async ({ query: { hours } }) => holdUntil(await beginHold(queue, hours * 3_600_000)),
  );

  app.delete(
    '/store/hold',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'releaseStore',
        tags: ['operation'],
        summary: 'End the hold: unused files are removed again',
        response: { 204: z.undefined().describe('The store is not held.'), ...problems },
      },
    },
    async (_request, reply) => {
      await queue.hold.end();
      return reply.code(204).send();
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

function holdUntil(until: Date | null): Hold {
  return { until: until?.toISOString() ?? null };
}
