import { newSweepSchema, sweepPlanSchema, sweepViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { idempotencyHeaders } from '../../../http/idempotency.ts';
import { problems } from '../../../http/responses.ts';
import { sendJson } from '../../../http/send-json.ts';
import type { Services } from '../../../services.ts';
import { validatorWithoutBody } from '../../../validation.ts';

/** `POST /v1/sweeps` and `POST /v1/sweeps/validate` */
export const submit: FastifyPluginAsyncZod<Services> = async (app, { queue, submissions }) => {
  app.setValidatorCompiler(validatorWithoutBody);

  app.post(
    '/sweeps',
    {
      config: { scope: 'submit', textBody: true },
      schema: {
        operationId: 'submitSweep',
        tags: ['sweeps'],
        summary: 'Submit a sweep: a job over combinations of values',
        headers: idempotencyHeaders,
        body: newSweepSchema,
        response: { 202: sweepViewSchema.describe('The sweep, whose trials begin now.'), ...problems },
        'x-response-headers': { 202: ['Location', 'Idempotency-Replayed'] },
      },
    },
    async ({ text, caller, headers }, reply) => {
      const reachable = await queue.ping().then(
        () => true,
        () => false,
      );
      const key = headers['idempotency-key'];
      const { id, replayed, view } = await submissions.ask('submitSweep', { text, caller, key, reachable });
      if (replayed) reply.header('idempotency-replayed', 'true');
      reply.code(202).header('location', `/v1/sweeps/${id}`);
      return sendJson(reply, view);
    },
  );

  app.post(
    '/sweeps/validate',
    {
      config: { scope: 'submit', changes: false, textBody: true },
      schema: {
        operationId: 'validateSweep',
        tags: ['sweeps'],
        summary: 'Plan a sweep without submitting it',
        body: newSweepSchema,
        response: { 200: sweepPlanSchema, ...problems },
      },
    },
    async ({ text, caller }, reply) =>
      sendJson(reply, await submissions.ask('validateSweep', { text, caller })),
  );
};
