import { DistilleryError, type ErrorCode } from '@distillery/spec';
import type { FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { classified, problemOf, problemType } from '../problem.ts';

/** Answers with an error. Used as error handler, and for what Fastify refuses before it has found a route. */
export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = classified(thrown);
  request.refusal = error.code;
  if (error.status >= 500) request.log.error({ err: thrown }, error.message);
  else request.log.info({ code: error.code, detail: error.message }, 'refused');
  if (error.status === 503) reply.header('retry-after', '2');
  // Sent as text: the response schemas of a route are those of its successes.
  const body = JSON.stringify(problemOf(error, request.id));
  return reply
    .code(error.status)
    .type(problemType)
    .header('cache-control', 'no-store')
    .header('x-request-id', request.id)
    .send(body);
}

/** Every error is a problem document; a page that is there but has no such method says which it has. */
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
      const message = `${path} answers ${allow}, not ${request.method}`;
      return answerProblem(new DistilleryError('method_not_allowed', message), request, reply);
    });
  },
  { name: 'errors', fastify: '5.x' },
);

declare module 'fastify' {
  interface FastifyRequest {
    /** The error that it was answered with. */
    refusal: ErrorCode | undefined;
  }
}
