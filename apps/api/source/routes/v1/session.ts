import { DistilleryError, ownerOf, type SessionView, sessionViewSchema } from '@distillery/spec';
import type { ApiKey } from '@distillery/queue';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Access } from '../../access.ts';
import { countRequest } from '../../http/count-request.ts';
import { credentialsOf } from '../../http/credentials.ts';
import { networkOf } from '../../http/network.ts';
import { problems } from '../../http/responses.ts';
import { sessionCookie, sessionToken } from '../../http/session-cookie.ts';
import type { Services } from '../../services.ts';

const config = { scope: 'public' } as const;
const tags = ['operation'];

/** `GET`, `POST` and `DELETE /v1/session`: the sessions of browsers. */
export const session: FastifyPluginAsyncZod<Services & Pick<Access, 'keys' | 'rate'>> = async (
  app,
  { queue, keys, rate },
) => {
  const viewOf = (key: ApiKey | undefined): SessionView => ({
    keys,
    caller:
      keys === 'off' || key === undefined
        ? null
        : { id: key.id, name: ownerOf(key.name, key.project), scope: key.scope, project: key.project },
  });

  app.get(
    '/session',
    {
      config,
      schema: {
        operationId: 'getSession',
        tags,
        summary: 'Whether requests need an API key, and whose key this request has',
        response: { 200: sessionViewSchema, ...problems },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return viewOf(keys === 'off' ? undefined : (await credentialsOf(queue, request)).key);
    },
  );

  app.post(
    '/session',
    {
      config,
      schema: {
        operationId: 'createSession',
        tags,
        summary: 'Exchange an API key for a session of this browser',
        description:
          'The answer sets the cookie `distillery_session`, which scripts cannot read and no other site sends. Every route accepts it as it accepts the key. It ends after `SESSION_DAYS`, after `SESSION_IDLE_HOURS` without a request, and when the key is revoked.',
        body: z.strictObject({ key: z.string().max(200).describe('The API key, `dk_…`.') }),
        response: { 200: sessionViewSchema, ...problems },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      if (keys === 'off') return viewOf(undefined);
      const key = await queue.apiKeys.verify(request.body.key);
      if (key === undefined) {
        await countRequest(queue, reply, `address:${networkOf(request.ip)}`, rate);
        throw new DistilleryError('unauthorized', 'the API key is not valid');
      }
      const token = await queue.sessions.create(key.id);
      reply.header(
        'set-cookie',
        sessionCookie(token, queue.sessions.longestSeconds, request.protocol === 'https'),
      );
      return viewOf(key);
    },
  );

  app.delete(
    '/session',
    {
      config,
      schema: {
        operationId: 'endSession',
        tags,
        summary: 'End the session of this browser',
        response: { 204: z.undefined().describe('The session has ended.'), ...problems },
      },
    },
    async (request, reply) => {
      const token = sessionToken(request);
      if (token !== undefined) await queue.sessions.end(token);
      reply.header('set-cookie', sessionCookie(null, 0, request.protocol === 'https'));
      return reply.code(204).send();
    },
  );
};
