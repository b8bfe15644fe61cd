import { allows, DistilleryError, type Scope } from '@distillery/spec';
import type { DistilleryQueue } from '@distillery/queue';
import type { FastifyReply } from 'fastify';
import plugin from 'fastify-plugin';
import type { Access } from '../access.ts';
import type { Caller } from '../caller.ts';
import { networkOf } from '../http/network.ts';
import { accessProblems } from '../http/responses.ts';

/**
 * Checks API keys and request limits. Every route that is not public needs a key of its scope.
 *
 * A request is counted by its key, and before it can be refused for its scope; and only packages/queue connects to Redis.
 * Therefore this plugin replaces @fastify/rate-limit. It sends the same headers.
 */
export const access = plugin(
  async (app, { queue, keys, rate, jobs, priority }: Access & { queue: DistilleryQueue }) => {
    app.decorateRequest('caller', null);

    app.addHook('onRoute', (route) => {
      // By default, a route that changes something needs the scope admin.
      const reads = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD');
      const scope = route.config?.scope ?? (reads ? 'read' : 'admin');
      route.config = { ...route.config, scope };
      if (route.schema === undefined) return;
      if (scope === 'public') {
        Object.assign(route.schema, { security: [] });
        return;
      }
      const { response } = route.schema as { response?: object };
      Object.assign(route.schema, {
        security: [{ apiKey: [] }],
        response: { ...accessProblems, ...response },
      });
    });

    if (keys === 'off') return;

    app.addHook('onRequest', async (request, reply) => {
      const { scope: routeScope = 'admin' } = request.routeOptions.config;
      if (routeScope === 'public') return;
      // A key that may read may also learn that a page does not exist.
      const needed = request.is404 ? 'read' : routeScope;
      const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      const key = token === undefined ? undefined : await queue.apiKeys.verify(token);
      if (key === undefined) {
        await count(reply, `address:${networkOf(request.ip)}`, rate);
        // RFC 6750, 3: without credentials there is no error code.
        const failure = token === undefined ? '' : ', error="invalid_token"';
        reply.header('www-authenticate', `Bearer realm="Distillery"${failure}`);
        const why = token === undefined ? 'the request has no API key' : 'the API key is not valid';
        throw new DistilleryError(
          'unauthorized',
          `${why}: send one as the header "Authorization: Bearer dk_…"; "distill keys create" makes one`,
        );
      }
      const { id, name, scope } = key;
      request.caller = {
        id,
        name,
        scope,
        rate: key.rate ?? rate,
        jobs: key.jobs ?? jobs,
        priority: scope === 'admin' ? 10 : priority,
      };
      await count(reply, `key:${id}`, request.caller.rate);
      if (!allows(scope, needed)) {
        throw new DistilleryError(
          'forbidden',
          `the request needs a key of scope ${needed}, but the key of ${name} has scope ${scope}`,
        );
      }
    });

    /** @throws DistilleryError `rate_limited` */
    async function count(reply: FastifyReply, sender: string, limit: number): Promise<void> {
      const { count: now, resetSeconds } = await queue.requests.add(sender);
      reply
        .header('x-ratelimit-limit', limit)
        .header('x-ratelimit-remaining', Math.max(0, limit - now))
        .header('x-ratelimit-reset', resetSeconds);
      if (now <= limit) return;
      reply.header('retry-after', resetSeconds);
      throw new DistilleryError(
        'rate_limited',
        `more than ${limit} requests per minute; try again in ${resetSeconds} s`,
      );
    }
  },
  { name: 'access', fastify: '5.x', dependencies: ['errors'] },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a key needs; default `read` for GET and HEAD, else `admin`. */
    scope?: Scope | 'public';
    /** False for a POST that changes nothing, which the audit log leaves out. */
    changes?: boolean;
  }
  interface FastifyRequest {
    /** Null when no key is needed. */
    caller: Caller | null;
  }
}
