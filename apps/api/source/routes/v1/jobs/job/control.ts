import { jobViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { checkControl } from '../../../../caller.ts';
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
  app.addHook('preHandler', ({ caller, params }) =>
    checkControl(queue, caller, (params as { id: string }).id),
  );

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
      async ({ params: { id }, caller }, reply) =>
        sendJson(reply, await records.ask('control', id, action, caller ?? undefined)),
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
    async ({ params: { id }, log }, reply) => {
      const failure = await records.ask('remove', id);
      if (failure !== null)
        log.warn({ job: id, failure }, 'some checkpoints of a deleted job were not removed');
      return reply.code(204).send();
    },
  );
};
