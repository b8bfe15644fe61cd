import { apiKeySchema, createdApiKeySchema, DistilleryError, newApiKeySchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const config = { scope: 'admin' } as const;
const tags = ['operation'];

/** `GET` and `POST /v1/keys`, `DELETE /v1/keys/:key`: the API keys, for administrators. */
export const keys: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  app.get(
    '/keys',
    {
      config,
      schema: {
        operationId: 'listKeys',
        tags,
        summary: 'The API keys in the order of their creation, revoked ones too',
        response: { 200: z.object({ keys: z.array(apiKeySchema) }), ...problems },
      },
    },
    async () => ({ keys: await queue.apiKeys.list() }),
  );

  app.post(
    '/keys',
    {
      config,
      schema: {
        operationId: 'createKey',
        tags,
        summary: 'Create an API key. Its secret is in this answer only',
        body: newApiKeySchema,
        response: { 201: createdApiKeySchema, ...problems },
      },
    },
    async ({ body }, reply) => {
      if (body.project !== null) await queue.projects.get(body.project);
      return reply
        .header('cache-control', 'no-store')
        .code(201)
        .send(await queue.apiKeys.create(body));
    },
  );

  app.delete(
    '/keys/:key',
    {
      config,
      schema: {
        operationId: 'revokeKey',
        tags,
        summary: 'Revoke an API key: requests with it are refused from now on, and its sessions end',
        params: z.object({ key: z.string().describe('The id of the key.') }),
        response: { 204: z.undefined().describe('The key is revoked.'), ...problems },
      },
    },
    async ({ params: { key } }, reply) => {
      if ((await queue.apiKeys.revoke(key)) === undefined) {
        throw new DistilleryError('key_not_found', `there is no API key ${JSON.stringify(key)}`);
      }
      return reply.code(204).send();
    },
  );
};
