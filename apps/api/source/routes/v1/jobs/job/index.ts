import { jobViewSchema } from '@distillery/spec';
import { openToProjects } from '../../../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { noneMatch } from '../../../../http/entity-tag.ts';
import { sendJson } from '../../../../http/send-json.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { checkSeen } from '../../../../caller.ts';
import { analysis } from './analysis.ts';
import { bundle } from './bundle.ts';
import { card } from './card.ts';
import { checkpoints } from './checkpoints.ts';
import { control } from './control.ts';
import { curves } from './curves.ts';
import { events } from './events.ts';
import { logs } from './logs.ts';
import { metrics } from './metrics.ts';
import { params } from './params.ts';
import { report } from './report.ts';
import { samples } from './samples.ts';
import { spec } from './spec.ts';
import { stages } from './stages.ts';
import { weights } from './weights.ts';

/** `/v1/jobs/:id` and the routes below it. */
export const job: FastifyPluginAsyncZod<Services> = async (app, services) => {
  openToProjects(app);
  app.addHook('preHandler', ({ caller, params: given }) =>
    checkSeen(services.queue, caller, (given as { id: string }).id),
  );
  app.get(
    '',
    {
      schema: {
        operationId: 'getJob',
        tags: ['jobs'],
        summary: 'A job with its stages',
        params,
        headers: z.looseObject({
          'if-none-match': z
            .string()
            .optional()
            .describe('An `ETag` of an earlier answer; 304 when the job has not changed.'),
        }),
        response: {
          200: jobViewSchema,
          304: z.undefined().describe('Unchanged since the given `ETag`.'),
          ...problems,
        },
        'x-response-headers': { 200: ['ETag'], 304: ['ETag'] },
      },
    },
    async (request, reply) => {
      const { tag, view } = await services.records.ask('view', request.params.id);
      reply.header('etag', tag).header('cache-control', 'no-cache');
      if (!noneMatch(request.headers['if-none-match'], tag)) return reply.code(304).send();
      return sendJson(reply, view);
    },
  );
  // The options of this plugin hold its prefix, which must not be applied twice.
  const below = { ...services, prefix: '' };
  await app.register(control, below);
  await app.register(stages, below);
  await app.register(metrics, below);
  await app.register(curves, below);
  await app.register(events, below);
  await app.register(logs, below);
  await app.register(spec, below);
  await app.register(report, below);
  await app.register(analysis, below);
  await app.register(samples, below);
  await app.register(checkpoints, below);
  await app.register(weights, below);
  await app.register(card, below);
  await app.register(bundle, below);
};
