import { curvesSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { mostPoints } from '../../../../curves/thinned.ts';
import { problems } from '../../../../http/responses.ts';
import { sendJson } from '../../../../http/send-json.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const stageName = z.string().max(200);

const querystring = z.strictObject({
  points: z.coerce
    .number()
    .int()
    .min(2)
    .max(mostPoints)
    .default(1500)
    .describe('The most points of a curve. A job with very many curves gets fewer: 300,000 of all together.'),
  stage: z
    .union([stageName, z.array(stageName).max(1000)])
    .optional()
    .describe('Curves of this stage; given several times, of these stages. Default: of all.'),
  after: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be `after` of an earlier answer')
    .optional()
    .describe(
      'Only rows after this position: `after` of an earlier answer. Steps that an earlier answer had, too, were written again by a later attempt: they replace the earlier points from there on.',
    ),
  partial: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe(
      'Whether to answer after about a second with the rows that have been read so far; `complete` tells whether these are all. A job with a million rows takes longer when it is read for the first time.',
    ),
});

/** `GET /v1/jobs/:id/curves` */
export const curves: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/curves',
    {
      schema: {
        operationId: 'getCurves',
        tags: ['jobs'],
        summary: 'The training curves, thinned out for charts',
        description:
          'Each point stands for the same number of consecutive rows of `GET /v1/jobs/{id}/metrics`: their mean, their smallest and their largest value.',
        params,
        querystring,
        response: { 200: curvesSchema, ...problems },
      },
    },
    async ({ params: { id }, query: { stage, ...query } }, reply) => {
      const stages = stage === undefined ? undefined : [stage].flat();
      reply.header('cache-control', 'no-cache');
      return sendJson(reply, await records.ask('curves', id, { ...query, stages }));
    },
  );
};
