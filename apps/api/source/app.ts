import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import { DistilleryError, type ErrorCode, errorTable } from '@distillery/spec';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Access } from './access.ts';
import { access } from './plugins/access.ts';
import { audit } from './plugins/audit.ts';
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
  access: Access;
  /** Of Distillery. */
  version?: string;
  /** Milliseconds in which a request must have arrived; default 30 000. */
  requestTimeout?: number;
  /** Addresses and ranges of proxies whose `X-Forwarded-For` header is believed; default none. */
  trustProxy?: string[];
}

/** The API, ready to `listen`. It owns neither queue nor store: close them after it. */
export async function buildApp({
  logger,
  access: who,
  version = '0.1.0',
  requestTimeout = 30_000,
  trustProxy = [],
  ...services
}: AppOptions): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger | undefined = logger;
  const app = Fastify({
    ...(loggerInstance === undefined ? { logger: false } : { loggerInstance }),
    bodyLimit: 1024 * 1024,
    requestTimeout,
    // Of a socket on which nothing moves: a client that has stopped reading, too.
    connectionTimeout: 120_000,
    keepAliveTimeout: 72_000,
    http: {
      maxHeaderSize: 16 * 1024,
      headersTimeout: Math.min(10_000, requestTimeout),
      connectionsCheckingInterval: Math.min(5000, requestTimeout / 4),
    },
    trustProxy: trustProxy.length === 0 ? false : trustProxy,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply),
    clientErrorHandler: (error, socket) => refuseUnread(error, socket),
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
  await app.register(access, { ...who, queue: services.queue });
  await app.register(audit, { queue: services.queue });
  await app.register(openapi, { planner: services.planner, version });
  await app.register(routes, services);
  // A connection that answers when we begin to close is idle only afterwards, and would be kept for a minute.
  app.addHook('preClose', async () => {
    if (!app.server.listening) return;
    const timer = setInterval(() => app.server.closeIdleConnections(), 100);
    app.server.once('close', () => clearInterval(timer));
  });
  await app.ready();
  return app;
}

const unread: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** What could not be read to its end has no request, and so no handler. */
function refuseUnread({ code }: { code?: string }, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const why = unread[code ?? ''] ?? 'malformed_request';
  const { status, title } = errorTable[why];
  const message = why === 'malformed_request' ? 'this is not an HTTP request that can be read' : title;
  const error = new DistilleryError(why, message);
  const body = JSON.stringify(problemOf(error, randomUUID()));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
