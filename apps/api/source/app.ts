import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import { DistilleryError } from '@distillery/spec';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { answerProblem, errors } from './plugins/errors.ts';
import { openapi } from './plugins/openapi.ts';
import { requestId } from './plugins/request-id.ts';
import { problemOf, problemType } from './problem.ts';
import { routes } from './routes/index.ts';
import type { Services } from './services.ts';
import { validatorCompiler } from './validation.ts';

export interface AppOptions extends Services {
  /** Silent when not given. */
  logger?: Logger;
  /** Of Distillery. */
  version?: string;
}

/** The API, ready to `listen`. It owns neither queue nor store: close them after it. */
export async function buildApp({
  logger,
  version = '0.1.0',
  ...services
}: AppOptions): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger | undefined = logger;
  const app = Fastify({
    ...(loggerInstance === undefined ? { logger: false } : { loggerInstance }),
    bodyLimit: 1024 * 1024,
    requestTimeout: 30_000,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply),
    clientErrorHandler: (_error, socket) => refuseGarbage(socket),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(requestId);
  await app.register(errors);
  // Whether there is TLS is for the proxy in front to say: on plain loopback these two would lock browsers out.
  await app.register(helmet, {
    strictTransportSecurity: false,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  await app.register(openapi, { planner: services.planner, version });
  await app.register(routes, services);
  await app.ready();
  return app;
}

/** What is not HTTP has no request, and so no handler. */
function refuseGarbage(socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const error = new DistilleryError('malformed_request', 'this is not an HTTP request that can be read');
  const body = JSON.stringify(problemOf(error, randomUUID()));
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
