import type { JobControl } from '@distillery/queue';
import { jobViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { collectArtifacts, noteArtifacts } from '../../../../artifacts.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { checkControl } from '../../../../plugins/access.ts';
import { params } from './params.ts';

const orders = {
  cancel: 'End a job: `cancelling` until its trainers have committed a checkpoint, then `cancelled`',
  pause: 'Let a job stand still: `pausing` until its trainers have committed a checkpoint, then `paused`',
  resume: 'Go on with a job that was paused',
  retry: 'Go on with a job that failed or was cancelled, from its last checkpoints',
} satisfies Partial<Record<keyof JobControl, string>>;

/** `POST /v1/jobs/:id/cancel` and its siblings, `DELETE /v1/jobs/:id`. Asked twice, they change nothing more. */
export const control: FastifyPluginAsyncZod<Services> = async (app, { queue, store }) => {
  app.addHook('preHandler', ({ caller, params }) =>
    checkControl(queue, caller, (params as { id: string }).id),
  );

  for (const [order, summary] of Object.entries(orders)) {
    app.post(
      `/${order}`,
      {
        config: { scope: 'submit' },
        schema: {
          tags: ['jobs'],
          summary: `${summary}; \`state_conflict\` where the state forbids it`,
          params,
          response: { 200: jobViewSchema, ...problems },
        },
      },
      ({ params: { id }, caller }) => queue.control[order as keyof typeof orders](id, caller ?? undefined),
    );
  }

  app.delete(
    '',
    {
      config: { scope: 'submit' },
      schema: {
        tags: ['jobs'],
        summary: 'Forget a job that has ended, with the artifacts that no other job shares',
        params,
        response: { 204: z.undefined().describe('It is gone'), ...problems },
      },
    },
    async ({ params: { id }, log }, reply) => {
      await noteArtifacts(queue, id);
      await queue.control.remove(id);
      // The job is gone; what is left of it in the store is in nobody's way.
      await collectArtifacts(queue, store, id).catch((error: unknown) => {
        log.warn({ err: error, job: id }, 'artifacts of a deleted job are left');
      });
      return reply.code(204).send();
    },
  );
};
