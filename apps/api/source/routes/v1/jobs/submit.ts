import { jobViewSchema } from '@distillery/spec';
import { openToProjects } from '../../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { idempotencyHeaders } from '../../../http/idempotency.ts';
import { problems } from '../../../http/responses.ts';
import type { Services } from '../../../services.ts';
import { sendJson } from '../../../http/send-json.ts';
import { validatorWithoutBody } from '../../../validation.ts';

/** `POST /v1/jobs` and `POST /v1/jobs/validate` */
export const submit: FastifyPluginAsyncZod<Services> = async (app, { queue, submissions, catalogue }) => {
  openToProjects(app);
  app.setValidatorCompiler(validatorWithoutBody);

  app.post(
    '/jobs',
    {
      config: { scope: 'submit', textBody: true },
      schema: {
        operationId: 'submitJob',
        tags: ['jobs'],
        summary: 'Submit a job',
        headers: idempotencyHeaders,
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
