import { demandOf, demandViewSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const name = z.string().min(1).max(100);
const names = z
  .union([name, z.array(name).max(16)])
  .default([])
  .transform((given) => [given].flat());

const querystring = z.strictObject({
  requires: names.describe(
    'The name of a requirement, such as `gpu`, `bfloat16`, `gpuMemory` or `label:a100`: counts stages that have it. Given several times, stages must have all.',
  ),
  without: names.describe(
    'The name of a requirement: counts stages that do not have it. Given several times, stages must have none.',
  ),
});

/** `GET /v1/demand` */
export const demand: FastifyPluginAsyncZod<Pick<Services, 'queue'>> = async (app, { queue }) => {
  app.get(
    '/demand',
    {
      schema: {
        operationId: 'getDemand',
        tags: ['operation'],
        summary: 'How many stages there is work for now, for autoscalers',
        querystring,
        response: { 200: demandViewSchema, ...problems },
      },
    },
    async ({ query }) => demandOf(await queue.demand(), query),
  );
};
