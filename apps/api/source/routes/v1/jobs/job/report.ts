import { DistilleryError, isTerminal, reportSchema } from '@distillery/spec';
import { reportOf } from '@distillery/training';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/report` */
export const report: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  app.get(
    '/report',
    {
      schema: {
        operationId: 'getReport',
        tags: ['jobs'],
        summary: 'The report: every student beside its control. `not_ready` before the job has succeeded',
        params,
        response: { 200: reportSchema, ...problems },
      },
    },
    async ({ params: { id } }, reply) => {
      const [{ state }, plan, results] = await Promise.all([
        queue.jobs.header(id),
        queue.jobs.plan(id),
        queue.jobs.results(id),
      ]);
      const written = reportOf(plan, results);
      if (written === undefined) {
        const reason = isTerminal(state)
          ? `the job has ${state} and has no report`
          : `the job is ${state}; its report is its last stage`;
        throw new DistilleryError('not_ready', reason);
      }
      // Sent as the worker stored it: a report of an earlier version may lack fields of this schema.
      return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(written);
    },
  );
};
