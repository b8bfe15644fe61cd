import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import { DistilleryError, type ErrorCode, errorTable } from '@distillery/spec';
import { defaultOf } from '@distillery/spec/configuration';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { Access } from './access.ts';
import { access } from './plugins/access.ts';
import { audit } from './plugins/audit.ts';
import { body } from './plugins/body.ts';
import { compression } from './plugins/compression.ts';
import { answerProblem, errors } from './plugins/errors.ts';
import { type EventStreamOptions, eventStreams } from './plugins/event-streams.ts';
import { openapi } from './plugins/openapi.ts';
import { otherSites } from './plugins/other-sites.ts';
import { preconditions } from './plugins/preconditions.ts';
import { requestId } from './plugins/request-id.ts';
import { requestMetrics } from './plugins/request-metrics.ts';
import { requestTime } from './plugins/request-time.ts';
import type { ProcessMetrics } from './metrics/process-metrics.ts';
import type { PageFiles } from './page/files.ts';
import { problemOf, problemType } from './problem.ts';
import { routes } from './routes/index.ts';
import { page } from './routes/page.ts';
import type { Services } from './services.ts';
import { type UploadRules, uploadRules } from './uploads/rules.ts';
import { type WebhookRules, webhookRules } from './webhooks/settings.ts';
import { validatorCompiler } from './validation.ts';

export interface AppOptions extends Services {
  /** Default: no log. */
  logger?: Logger;
  access: Access;
  /** The version of Distillery, for the OpenAPI page. */
  version?: string;
  /** Milliseconds within which a whole request must arrive, unless it is an upload; default 30 000. */
  requestTimeout?: number;
  /** Addresses and ranges of proxies whose `X-Forwarded-For` header is trusted; default none. */
  trustProxy?: string[];
  /** Counts requests; default: they are not counted. */
  answered?: ProcessMetrics['answered'] | undefined;
  /** The built dashboard; undefined when there is none. */
  pageFiles?: PageFiles | undefined;
  /** Default: those of the setting API_STREAMS, with a heartbeat every 15 seconds. */
  streams?: Partial<EventStreamOptions> | undefined;
  /** Default: those of the settings' defaults. */
  webhooks?: WebhookRules | undefined;
  /** Default: those of the settings' defaults. */
  uploads?: UploadRules | undefined;
}

/** Builds the API, ready to `listen`. It does not own queue and store: close them after it. */
export async function buildApp({
  logger,
  access: accessRules,
  version = '0.1.0',
  requestTimeout = 30_000,
  trustProxy = [],
  streams,
  webhooks = webhookRules({}, version),
  uploads = uploadRules({}),
  pageFiles,
  answered,
  ...services
}: AppOptions): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger | undefined = logger;
  const app = Fastify({
    ...(loggerInstance === undefined ? { logger: false } : { loggerInstance }),
    bodyLimit: 1024 * 1024,
    // Node's own limit knows no exception for uploads; plugins/request-time.ts has the limit of all others.
    requestTimeout: 0,
    // A socket without traffic, such as that of a client that has stopped reading.
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
    clientErrorHandler: (error, socket) => refuseUnparsed(error, socket),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await app.register(requestId);
  if (answered !== undefined) await app.register(requestMetrics, { answered });
  await app.register(errors);
  await app.register(requestTime, { milliseconds: requestTimeout });
  await app.register(compression);
  await app.register(body);
  // TLS is the business of a proxy in front of the API: on plain HTTP these two would lock browsers out.
  await app.register(helmet, {
    strictTransportSecurity: false,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  await app.register(otherSites, { isOwnHost: accessRules.isOwnHost });
  await app.register(access, { ...accessRules, queue: services.queue });
  await app.register(audit, { queue: services.queue });
  await app.register(preconditions);
  await app.register(eventStreams, { most: defaultOf('apiStreams'), heartbeatSeconds: 15, ...streams });
  await app.register(openapi, { catalogue: services.catalogue, version });
  await app.register(routes, {
    ...services,
    access: accessRules,
    webhookRules: webhooks,
    uploadRules: uploads,
  });
  await app.register(page, { files: pageFiles });
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // A connection that is busy when closing begins becomes idle later, and would stay open for a minute. Node does not count
  // one as idle that has sent nothing yet.
  app.addHook('preClose', async () => {
    if (!app.server.listening) return;
    const timer = setInterval(() => {
      app.server.closeIdleConnections();
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, 100);
    app.server.once('close', () => clearInterval(timer));
  });
  await app.ready();
  return app;
}

const parserErrors: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what could not be parsed as a request: Fastify has no request object for it, and so no error handler. */
function refuseUnparsed({ code }: { code?: string }, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const reason = parserErrors[code ?? ''] ?? 'malformed_request';
  const { status, title } = errorTable[reason];
  const message = reason === 'malformed_request' ? 'the bytes are not a valid HTTP request' : title;
  const error = new DistilleryError(reason, message);
  const body = JSON.stringify(problemOf(error, randomUUID()));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
