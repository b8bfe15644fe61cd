import { jobViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Caller, checkControl } from '../../../../caller.ts';
import { sendJson } from '../../../../http/send-json.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import type { ControlAction } from '../../../../threads/job-works.ts';
import { params } from './params.ts';

const controls = {
  cancel: 'Cancel a job. It is `cancelling` until its trainers have committed a checkpoint, then `cancelled`',
  pause: 'Pause a job. It is `pausing` until its trainers have committed a checkpoint, then `paused`',
  resume: 'Resume a paused job',
  retry:
    'Retry a failed or cancelled job from its last checkpoints, or run those stages of a succeeded job again whose artifacts are missing or damaged',
} satisfies Record<ControlAction, string>;

/** `POST /v1/jobs/:id/cancel` and its siblings, `DELETE /v1/jobs/:id`. Each is idempotent. */
export const control: FastifyPluginAsyncZod<Services> = async (app, { queue, records }) => {
  /** The state and the size of a job that the caller may control. @throws DistilleryError `forbidden`, `job_not_found` */
  async function controlled(id: string, caller: Caller | null) {
    const { owner, state, stages } = await queue.jobs.header(id);
    checkControl(caller, { owner });
    return { id, state, stages: stages.length };
  }

  for (const [action, summary] of Object.entries(controls) as [ControlAction, string][]) {
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
      async ({ params: { id }, caller }, reply) => {
        const job = await controlled(id, caller);
        return sendJson(reply, await records.ask('control', job, action, job.state, caller ?? undefined));
      },
    );
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
    async ({ params: { id }, caller, log }, reply) => {
      const failure = await records.ask('remove', await controlled(id, caller));
      if (failure !== null)
        log.warn({ job: id, failure }, 'some checkpoints of a deleted job were not removed');
      return reply.code(204).send();
    },
  );
};
