import { allows, DistilleryError, ownerOf, type Scope } from '@distillery/spec';
import type { DistilleryQueue } from '@distillery/queue';
import plugin from 'fastify-plugin';
import type { Access } from '../access.ts';
import { type Caller, projectSeenBy } from '../caller.ts';
import { countRequest } from '../http/count-request.ts';
import { credentialsOf, requireOwnPage } from '../http/credentials.ts';
import { networkOf } from '../http/network.ts';
import { accessProblems } from '../http/responses.ts';

/**
 * Checks API keys, sent as they are or by the session of a browser, and request limits. Every route that is not public needs
 * a key of its scope.
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
      const { by, key } = await credentialsOf(queue, request);
      if (key === undefined) {
        await countRequest(queue, reply, `address:${networkOf(request.ip)}`, rate);
        // RFC 6750, 3: without credentials there is no error code.
        const failure = by === 'token' ? ', error="invalid_token"' : '';
        reply.header('www-authenticate', `Bearer realm="Distillery"${failure}`);
        const why = {
          nothing: 'the request has no API key',
          token: 'the API key is not valid',
          session: 'the session has ended',
        }[by];
        throw new DistilleryError(
          'unauthorized',
          `${why}: send one as the header "Authorization: Bearer dk_…"; "distill keys create" makes one`,
        );
      }
      if (by === 'session') requireOwnPage(request);
      const { id, scope, project } = key;
      const name = ownerOf(key.name, project);
      request.caller = {
        id,
        name,
        scope,
        project,
        rate: key.rate ?? rate,
        jobs: key.jobs ?? jobs,
        priority: scope === 'admin' ? 10 : priority,
      };
      await countRequest(queue, reply, `key:${id}`, request.caller.rate);
      if (!allows(scope, needed)) {
        throw new DistilleryError(
          'forbidden',
          `the request needs a key of scope ${needed}, but the key of ${name} has scope ${scope}`,
        );
      }
      // Closed unless a route declares that it shows a project only its own, so that a new route cannot forget it.
      const isOpen = request.is404 || request.routeOptions.config.projects === true;
      if (!isOpen && projectSeenBy(request.caller) !== undefined) {
        throw new DistilleryError(
          'forbidden',
          `the route tells of all projects, but the key of ${name} sees the project ${project} alone`,
        );
      }
    });
  },
  { name: 'access', fastify: '5.x', dependencies: ['errors'] },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a key needs; default `read` for GET and HEAD, else `admin`. */
    scope?: Scope | 'public';
    /** Whether keys of a project may use the route, which shows them what is their project's alone; default false. */
    projects?: boolean;
    /** False for a POST that changes nothing, which the audit log leaves out. */
    changes?: boolean;
  }
  interface FastifyRequest {
    /** Null when no key is needed. */
    caller: Caller | null;
  }
}
