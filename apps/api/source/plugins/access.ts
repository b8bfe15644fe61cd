import { allows, DistilleryError, type Scope } from '@distillery/spec';
import type { ApiKey, DistilleryQueue } from '@distillery/queue';
import type { FastifyReply } from 'fastify';
import plugin from 'fastify-plugin';
import type { Access } from '../access.ts';
import { accessProblems } from '../http/responses.ts';

/** Who sends a request: a key, with its limits. */
export type Caller = Pick<ApiKey, 'id' | 'name' | 'scope'> & { rate: number; jobs: number };

/**
 * Lets a request in that has a key of the scope which its route asks for; every page that does not call itself public
 * asks for one. Counting needs the key and must come before the refusal, and the connection to Redis stays within
 * packages/queue, so this is not @fastify/rate-limit, whose headers it sends.
 */
export const access = plugin(
  async (app, { queue, keys, rate, jobs }: Access & { queue: DistilleryQueue }) => {
    app.decorateRequest('caller', null);

    app.addHook('onRoute', (route) => {
      // What changes something is for nobody but the admin, unless the route says otherwise.
      const reads = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD');
      const scope = route.config?.scope ?? (reads ? 'read' : 'admin');
      route.config = { ...route.config, scope };
      if (scope === 'public' || route.schema === undefined) return;
      const { response } = route.schema as { response?: object };
      Object.assign(route.schema, {
        security: [{ apiKey: [] }],
        response: { ...accessProblems, ...response },
      });
    });

    if (keys === 'off') return;

    app.addHook('onRequest', async (request, reply) => {
      const { scope: asked = 'admin' } = request.routeOptions.config;
      if (asked === 'public') return;
      // Whether a page is there is told to whoever may read.
      const needed = request.is404 ? 'read' : asked;
      const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      const key = token === undefined ? undefined : await queue.apiKeys.verify(token);
      if (key === undefined) {
        await count(reply, `address:${request.ip}`, rate);
        reply.header('www-authenticate', 'Bearer');
        const why =
          token === undefined ? 'has no Authorization: Bearer dk_…' : 'came with a key that is not good';
        throw new DistilleryError('unauthorized', `the request ${why}`);
      }
      const { id, name, scope } = key;
      request.caller = { id, name, scope, rate: key.rate ?? rate, jobs: key.jobs ?? jobs };
      await count(reply, `key:${id}`, request.caller.rate);
      if (!allows(scope, needed)) {
        throw new DistilleryError(
          'forbidden',
          `this takes a key of scope ${needed}, and ${name} has ${scope}`,
        );
      }
    });

    /** @throws DistilleryError `rate_limited` */
    async function count(reply: FastifyReply, who: string, most: number): Promise<void> {
      const { count: now, resetSeconds } = await queue.requests.add(who);
      reply
        .header('x-ratelimit-limit', most)
        .header('x-ratelimit-remaining', Math.max(0, most - now))
        .header('x-ratelimit-reset', resetSeconds);
      if (now <= most) return;
      reply.header('retry-after', resetSeconds);
      throw new DistilleryError(
        'rate_limited',
        `more than ${most} requests a minute; ${resetSeconds} s to wait`,
      );
    }
  },
  { name: 'access', fastify: '5.x', dependencies: ['errors'] },
);

/**
 * Whether somebody may say what becomes of a job. Where no keys are needed, everybody may.
 * @throws DistilleryError `forbidden`, `job_not_found`
 */
export async function checkControl(queue: DistilleryQueue, caller: Caller | null, id: string): Promise<void> {
  if (caller === null || caller.scope === 'admin') return;
  const { owner } = (await queue.jobs.get(id)).view;
  if (owner === caller.name) return;
  const whose = owner === null ? "nobody's" : `${owner}'s`;
  throw new DistilleryError('forbidden', `the job is ${whose}, and ${caller.name} may control its own`);
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must be good for; default `read` for GET and HEAD, else `admin`. */
    scope?: Scope | 'public';
    /** False: this changes nothing, though its method looks as if. */
    changes?: boolean;
  }
  interface FastifyRequest {
    /** Null where no key is needed. */
    caller: Caller | null;
  }
}
