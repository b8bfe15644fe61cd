import { metricRowSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { preferred } from '../../../../http/accept.ts';
import { sendJson } from '../../../../http/send-json.ts';
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
export const metrics: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
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
      const csv = type === 'text/csv';
      const query = { stage, attempts, after: from, limit };
      const { text, after, more } = await records.ask('metrics', id, { csv, ...query });
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
      return csv
        ? reply.type('text/csv; charset=utf-8').serializer(String).send(text)
        : sendJson(reply, text);
    },
  );
};
