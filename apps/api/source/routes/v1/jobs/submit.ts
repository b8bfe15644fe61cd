import { digestOf, jobViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../../http/responses.ts';
import type { Services } from '../../../services.ts';
import { sendView } from '../../../http/send-view.ts';
import { oneAtATime } from '../../../one-at-a-time.ts';
import { liveWorkers } from '../../../live-workers.ts';
import { checkPriority } from '../../../plugins/access.ts';
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

/** Writing the record of a job with more stages takes so long that it waits for its turn. */
const manyStages = 200;

/** `POST /v1/jobs` and `POST /v1/jobs/validate` */
export const submit: FastifyPluginAsyncZod<Services> = async (app, { queue, planner, catalogue }) => {
  app.setValidatorCompiler(validatorWithoutBody);
  const inTurn = oneAtATime();

  app.post(
    '/jobs',
    {
      config: { scope: 'submit' },
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
      const posted: unknown = request.body;
      const { text, caller } = request;
      const owner = caller === null ? undefined : { name: caller.name, jobs: caller.jobs };
      const key = request.headers['idempotency-key'];
      const idempotency = key === undefined ? undefined : { key, digest: digestOf(posted) };
      let job = idempotency && (await queue.jobs.replay(idempotency, owner?.name));
      let replayed = job !== undefined;
      if (job === undefined) {
        checkPriority(caller, posted);
        const { spec, plan } = await planner.plan(text, await liveWorkers(queue));
        const { name = null, labels, priority } = spec;
        const create = () =>
          queue.jobs.create({ name, labels, owner, priority, posted, spec, plan }, idempotency);
        const created = await (plan.stages.length > manyStages ? inTurn(create) : create());
        ({ replayed } = created);
        job = created;
        // The whole job is stored now, so 202 is correct: every worker offers what has no ticket when it starts and every
        // 30 s. A failure to offer its stages here only delays the job, and a 503 would make the client submit it twice. If creating it fails, nothing was written; if only the reply was lost, the same
        // Idempotency-Key finds the job.
        if (!replayed) {
          await queue.stages.offer().catch((error: unknown) => {
            request.log.warn(
              { err: error, job: created.view.id },
              'the stages were not offered; a worker will offer them',
            );
          });
        }
      }
      if (replayed) reply.header('idempotency-replayed', 'true');
      reply.code(202).header('location', `/v1/jobs/${job.view.id}`);
      return sendView(reply, job.view);
    },
  );

  app.post(
    '/jobs/validate',
    {
      config: { scope: 'submit', changes: false },
      schema: {
        operationId: 'validateJob',
        tags: ['jobs'],
        summary: 'Plan a job without submitting it',
        body: catalogue.jobSpec,
        response: { 200: catalogue.planSchema, ...problems },
      },
    },
    async ({ text, body, caller }, reply) => {
      checkPriority(caller, body);
      const plan = await planner.validate(text, await liveWorkers(queue));
      // Already JSON: parsing and writing a plan of thousands of stages again would delay other requests.
      return reply.type('application/json; charset=utf-8').serializer(String).send(plan);
    },
  );
};
