import type { JobControl } from '@distillery/queue';
import { jobViewSchema } from '@distillery/spec';
import { lostStages } from '@distillery/training';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { deleteJob } from '../../../../artifacts/delete-job.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { checkControl } from '../../../../plugins/access.ts';
import { params } from './params.ts';

const controls = {
  cancel: 'Cancel a job. It is `cancelling` until its trainers have committed a checkpoint, then `cancelled`',
  pause: 'Pause a job. It is `pausing` until its trainers have committed a checkpoint, then `paused`',
  resume: 'Resume a paused job',
  retry:
    'Retry a failed or cancelled job from its last checkpoints, or run those stages of a succeeded job again whose artifacts are missing or damaged',
} satisfies Partial<Record<keyof JobControl, string>>;

/** `POST /v1/jobs/:id/cancel` and its siblings, `DELETE /v1/jobs/:id`. Each is idempotent. */
export const control: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  app.addHook('preHandler', ({ caller, params }) =>
    checkControl(queue, caller, (params as { id: string }).id),
  );

  for (const [action, summary] of Object.entries(controls)) {
    app.post(
      `/${action}`,
      {
        config: { scope: 'submit' },
        schema: {
          operationId: `${action}Job`,
          tags: ['jobs'],
          summary: `${summary}. \`state_conflict\` when the state does not allow it`,
          params,
          response: { 200: jobViewSchema, ...problems },
        },
      },
      async ({ params: { id }, caller }) => {
        const lost = action === 'retry' ? await lostBySucceeded(id) : [];
        return queue.control[action as keyof typeof controls](id, caller ?? undefined, lost);
      },
    );
  }

  /** Stages of a job that has succeeded which must run again; the workers themselves find those of other jobs. */
  async function lostBySucceeded(id: string): Promise<string[]> {
    if ((await queue.jobs.get(id)).view.state !== 'succeeded') return [];
    const [plan, results] = await Promise.all([queue.jobs.plan(id), queue.jobs.results(id)]);
    return lostStages(store, { plan, results });
  }

  app.delete(
    '',
    {
      config: { scope: 'submit' },
      schema: {
        operationId: 'deleteJob',
        tags: ['jobs'],
        summary: 'Delete a job that has ended. Artifacts that no other job needs are removed within minutes',
        params,
        response: { 204: z.undefined().describe('The job has been deleted.'), ...problems },
      },
    },
    async ({ params: { id }, log }, reply) => {
      await deleteJob(queue, store, id, (error) =>
        log.warn({ err: error, job: id }, 'some checkpoints of a deleted job were not removed'),
      );
      return reply.code(204).send();
    },
  );
};
