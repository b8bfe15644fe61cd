import { DistilleryError, metricRowSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { preferred } from '../../../../http/accept.ts';
import { metricsCsv } from '../../../../http/csv.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const querystring = z.strictObject({
  stage: z.string().max(200).optional().describe('Rows of one stage, for example `student.soft.1`.'),
  attempts: z
    .enum(['latest', 'all'])
    .default('latest')
    .describe('`all` also returns the rows that a later attempt of their stage has written again.'),
  after: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be `after` of the page before')
    .optional()
    .describe('Rows after this position: `after` of the page before.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('The most rows of a page. Default: 1000, and 10,000 as CSV.'),
});

const pageSchema = z.object({
  metrics: z.array(metricRowSchema),
  after: z.string().nullable().describe('The position to continue from, now or when there are more rows.'),
  more: z.boolean().describe('Whether there are more rows now.'),
});

/** `GET /v1/jobs/:id/metrics` */
export const metrics: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['jobs'],
        summary: 'The training curves, one row per entry, each step once; CSV with `Accept: text/csv`',
        params,
        querystring,
        response: {
          200: {
            description: 'A page of rows. A Link header with rel="next" names the next page.',
            content: {
              'application/json': { schema: pageSchema },
              'text/csv': { schema: z.string() },
            },
          },
          ...problems,
        },
        'x-response-headers': { 200: ['Link'] },
      },
    },
    async (request, reply) => {
      const type = preferred(request.headers.accept, ['application/json', 'text/csv']);
      const { id } = request.params;
      const { stage, attempts, after: from, limit = type === 'text/csv' ? 10_000 : 1000 } = request.query;
      const { stages } = await queue.jobs.header(id);
      if (stage !== undefined && !stages.includes(stage)) throw noStage(stage, stages);
      const { rows, after, more } = await queue.metrics.read(id, { stage, attempts, after: from, limit });
      reply.header('vary', 'accept').header('cache-control', 'no-cache');
      if (more && after !== null) {
        const next = new URLSearchParams({
          ...(stage === undefined ? {} : { stage }),
          ...(attempts === 'latest' ? {} : { attempts }),
          after,
          limit: `${limit}`,
        });
        reply.header('link', `</v1/jobs/${id}/metrics?${next}>; rel="next"`);
      }
      if (type === 'text/csv') return reply.type('text/csv; charset=utf-8').send(metricsCsv(rows));
      return reply.send({ metrics: rows, after, more });
    },
  );
};

function noStage(stage: string, stages: readonly string[]): DistilleryError {
  const shown = stages.slice(0, 10);
  const more = stages.length > shown.length ? ` and ${stages.length - shown.length} more` : '';
  const message = `the job has no stage ${JSON.stringify(stage)}; its stages are: ${shown.join(', ')}${more}`;
  return new DistilleryError('stage_not_found', message);
}
