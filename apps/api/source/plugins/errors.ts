import { DistilleryError, type ErrorCode } from '@distillery/spec';
import type { FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { classified, problemOf, problemType } from '../problem.ts';

/** Sends an error as problem details. It is the error handler, and serves requests that Fastify refuses before routing. */
export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = classified(thrown);
  request.refusal = error.code;
  if (error.status >= 500) request.log.error({ err: thrown }, error.message);
  else request.log.info({ code: error.code, detail: error.message }, 'refused');
  if (error.status === 503) reply.header('retry-after', '2');
  // Sent as text, because the response schemas of a route describe its successes only.
  const body = JSON.stringify(problemOf(error, request.id));
  return reply
    .code(error.status)
    .type(problemType)
    .header('cache-control', 'no-store')
    .header('x-request-id', request.id)
    .send(body);
}

/** Turns every error into problem details. A page without the method of the request lists the methods that it has. */
export const errors = plugin(
  async (app) => {
    app.decorateRequest('refusal', undefined);
    const pages = new Map<string, { pattern: RegExp; methods: Set<string> }>();
    app.addHook('onRoute', ({ url, method }) => {
      const path = url === '/' ? url : url.replace(/\/$/, '');
      const source = path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[A-Za-z]+/g, '[^/]+');
      const page = pages.get(path) ?? { pattern: new RegExp(`^${source}$`), methods: new Set() };
      for (const one of [method].flat()) page.methods.add(one);
      pages.set(path, page);
    });

    app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));

    app.setNotFoundHandler((request, reply) => {
      const path = (request.url.split('?')[0] ?? '').replace(/(?<=.)\/$/, '');
      const page = [...pages.values()].find(({ pattern }) => pattern.test(path));
      if (page === undefined) {
        return answerProblem(new DistilleryError('not_found', `there is no page ${path}`), request, reply);
      }
      const allow = [...page.methods].sort().join(', ');
      reply.header('allow', allow);
      const message = `${path} supports ${allow}, not ${request.method}`;
      return answerProblem(new DistilleryError('method_not_allowed', message), request, reply);
    });
  },
  { name: 'errors', fastify: '5.x' },
);

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the error that the request was answered with. */
    refusal: ErrorCode | undefined;
  }
}
