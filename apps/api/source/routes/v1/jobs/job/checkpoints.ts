import { checkpointSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sendJson } from '../../../../http/send-json.ts';
import { problems } from '../../../../http/responses.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/checkpoints` */
export const checkpoints: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/checkpoints',
    {
      schema: {
        operationId: 'listCheckpoints',
        tags: ['weights'],
        summary: 'The weights that can be downloaded so far',
        params,
        response: { 200: z.object({ checkpoints: z.array(checkpointSchema) }), ...problems },
      },
    },
    async ({ params: { id } }, reply) => sendJson(reply, await records.ask('checkpoints', id)),
  );
};
