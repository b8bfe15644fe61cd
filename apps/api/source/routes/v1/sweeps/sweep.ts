import { DistilleryError, sweepStates, sweepSummarySchema, sweepViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { checkOwner, projectSeenBy, sees } from '../../../caller.ts';
import { problems } from '../../../http/responses.ts';
import type { Services } from '../../../services.ts';
import { controlSweep, deleteSweep, type SweepControl, sweepControls } from '../../../sweeps/control.ts';
import { summaryOf, viewOf } from '../../../sweeps/views.ts';

const tags = ['sweeps'];
const params = z.object({ sweep: z.string().describe('The id of the sweep.') });

const querystring = z.strictObject({
  state: z.enum(sweepStates).optional().describe('Sweeps in this state.'),
  owner: z.string().max(127).optional().describe('Sweeps of this owner: the name of an API key.'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('The most sweeps of a page.'),
  after: z
    .string()
    .regex(/^sweep_[0-9a-z]{26}$/, 'must be `next` of the page before')
    .optional()
    .describe('Sweeps after this position: `next` of the page before.'),
});

const summaries = {
  pause: 'Pause a sweep and its jobs, which commit a checkpoint first',
  resume: 'Resume a paused sweep',
  cancel: 'Cancel a sweep and its jobs. What has a result stays in the leaderboard',
} satisfies Record<SweepControl, string>;

/** `GET /v1/sweeps`, `/v1/sweeps/:sweep` and what is below it. */
export const sweep: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  app.addHook('preHandler', async ({ caller, params: given }) => {
    const { sweep: id } = given as { sweep?: string };
    if (id === undefined || projectSeenBy(caller) === undefined) return;
    if (sees(caller, (await queue.sweeps.get(id)).owner)) return;
    throw new DistilleryError('sweep_not_found', `there is no sweep ${id}`);
  });

  app.get(
    '/sweeps',
    {
      schema: {
        operationId: 'listSweeps',
        tags,
        summary: 'List sweeps, newest first',
        querystring,
        response: {
          200: z.object({
            sweeps: z.array(sweepSummarySchema),
            next: z.string().nullable().describe('The `after` of the next page; null on the last page.'),
          }),
          ...problems,
        },
      },
    },
    async ({ query, caller }) => {
      const { sweeps, next } = await queue.sweeps.list({ ...query, project: projectSeenBy(caller) });
      return { sweeps: sweeps.map(summaryOf), next };
    },
  );

  app.get(
    '/sweeps/:sweep',
    {
      schema: {
        operationId: 'getSweep',
        tags,
        summary: 'A sweep with its trials and its leaderboard',
        params,
        response: { 200: sweepViewSchema, ...problems },
      },
    },
    async ({ params: { sweep: id } }) => viewOf(await queue.sweeps.get(id)),
  );

  for (const control of Object.keys(sweepControls) as SweepControl[]) {
    app.post(
      `/sweeps/:sweep/${control}`,
      {
        config: { scope: 'submit' },
        schema: {
          operationId: `${control}Sweep`,
          tags,
          summary: `${summaries[control]}. \`state_conflict\` when the state does not allow it`,
          params,
          response: { 200: sweepViewSchema, ...problems },
        },
      },
      async ({ params: { sweep: id }, caller }) => {
        checkOwner(caller, (await queue.sweeps.get(id)).owner, 'sweep');
        return viewOf(await controlSweep(queue, id, control));
      },
    );
  }

  app.delete(
    '/sweeps/:sweep',
    {
      config: { scope: 'submit' },
      schema: {
        operationId: 'deleteSweep',
        tags,
        summary: 'Delete a sweep that has ended, with its jobs',
        params,
        response: { 204: z.undefined().describe('The sweep and its jobs are deleted.'), ...problems },
      },
    },
    async ({ params: { sweep: id }, caller, log }, reply) => {
      checkOwner(caller, (await queue.sweeps.get(id)).owner, 'sweep');
      await deleteSweep(queue, store, id, (error) =>
        log.warn({ err: error, sweep: id }, 'some checkpoints of a deleted job were not removed'),
      );
      return reply.code(204).send();
    },
  );
};
