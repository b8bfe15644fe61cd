import { jobViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../../http/responses.ts';
import type { Services } from '../../../services.ts';
import { sendJson } from '../../../http/send-json.ts';
import { validatorWithoutBody } from '../../../validation.ts';

const headers = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1-255 visible ASCII characters')
    .optional()
    .describe(
      'Makes the request safe to send again: for 24 hours the same key and body return the first job. Another body is an `idempotency_conflict`.',
    ),
});

/** `POST /v1/jobs` and `POST /v1/jobs/validate` */
export const submit: FastifyPluginAsyncZod<Services> = async (app, { queue, submissions, catalogue }) => {
  app.setValidatorCompiler(validatorWithoutBody);

  app.post(
    '/jobs',
    {
      config: { scope: 'submit', textBody: true },
      schema: {
        operationId: 'submitJob',
        tags: ['jobs'],
        summary: 'Submit a job',
        headers,
        body: catalogue.jobSpec,
        response: { 202: jobViewSchema.describe('The job, which is queued now.'), ...problems },
        'x-response-headers': { 202: ['Location', 'Idempotency-Replayed'] },
      },
    },
    async (request, reply) => {
      const { text, caller, headers } = request;
      const reachable = await queue.ping().then(
        () => true,
        () => false,
      );
      const { id, replayed, view, offerFailure } = await submissions.ask('submit', {
        text,
        caller,
        request: request.id,
        key: headers['idempotency-key'],
        reachable,
      });
      request.log.info({ job: id, replayed }, 'job accepted');
      if (offerFailure !== undefined) {
        request.log.warn({ job: id, offerFailure }, 'the stages were not offered; a worker will offer them');
      }
      if (replayed) reply.header('idempotency-replayed', 'true');
      reply.code(202).header('location', `/v1/jobs/${id}`);
      return sendJson(reply, view);
    },
  );

  app.post(
    '/jobs/validate',
    {
      config: { scope: 'submit', changes: false, textBody: true },
      schema: {
        operationId: 'validateJob',
        tags: ['jobs'],
        summary: 'Plan a job without submitting it',
        body: catalogue.jobSpec,
        response: { 200: catalogue.planSchema, ...problems },
      },
    },
    async ({ text, caller }, reply) => sendJson(reply, await submissions.ask('validate', { text, caller })),
  );
};
