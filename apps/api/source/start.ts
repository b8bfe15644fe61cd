import type { AddressInfo } from 'node:net';
import { openStore } from '@distillery/store';
import { type DistilleryQueue, openQueue } from '@distillery/queue';
import { jobSpec, kinds, planJob, planSchema, stageKinds } from '@distillery/training';
import type { Logger } from 'pino';
import { type AccessEnvironment, accessOf } from './access.ts';
import { buildApp } from './app.ts';

export interface ApiOptions {
  redisUrl: string;
  /** Prefix of every Redis key; the queue's own default when undefined. */
  prefix?: string | undefined;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: a free one. */
  port?: number;
  /** Where the artifact store is: a URL, or the path of a folder. */
  storeDir: string;
  /** Folder for downloads and decoded data sets. */
  dataDir: string;
  /** Folders that job specs may read. */
  roots: string[];
  /** Whether requests need a key, and how many there may be; see access.ts. */
  env?: AccessEnvironment;
  log: Logger;
  version?: string;
  /** Takes a Redis too that may lose jobs. */
  volatileRedis?: boolean;
  /** See AppOptions. */
  requestTimeout?: number;
}

export interface RunningApi {
  /** `http://host:port` */
  url: string;
  /** Lets requests in hand end, then closes everything. */
  close(): Promise<void>;
}

/** Starts the API in this process. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { host = '127.0.0.1', port = 0, prefix, roots, log, version, env = {}, requestTimeout } = options;
  const access = accessOf(env, host);
  const store = await openStore(options.storeDir, { warn: (message) => log.warn(message) });
  const queue = await openQueue({
    url: options.redisUrl,
    ...(prefix === undefined ? {} : { prefix }),
    onError: (error) => log.warn({ err: error }, 'Redis'),
  });
  if (!options.volatileRedis) await refuseVolatile(queue, log);
  const context = { cacheDir: options.dataDir, roots };
  const app = await buildApp({
    queue,
    store,
    planner: {
      kinds,
      jobSpec,
      stageKinds: stageKinds.list.map(({ type }) => type),
      planSchema,
      plan: (spec, workers) => planJob(spec, { ...context, ...workers }),
    },
    logger: log,
    access,
    trustProxy: env.TRUST_PROXY,
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
    ...(version === undefined ? {} : { version }),
  });
  const close = async () => {
    await app.close();
    await queue.close();
  };
  try {
    await app.listen({ host, port });
  } catch (error) {
    await close();
    throw error;
  }
  if (access.keys === 'required') await sayHowToBegin(queue, log);
  const address = app.server.address() as AddressInfo;
  return { url: `http://${address.family === 'IPv6' ? `[${host}]` : host}:${address.port}`, close };
}

/** One that is away now says nothing of itself: it is waited for, as later. */
async function refuseVolatile(queue: DistilleryQueue, log: Logger): Promise<void> {
  const away = await queue.ping().then(
    () => false,
    () => true,
  );
  if (away) return log.warn('Redis is away: whether it may lose jobs is not known');
  try {
    await queue.checkDurability();
  } catch (error) {
    await queue.close();
    throw error;
  }
}

/** Without a key nobody can do anything; making the first one takes Redis, not the API. */
async function sayHowToBegin(queue: DistilleryQueue, log: Logger): Promise<void> {
  const keys = await queue.apiKeys.list().catch(() => undefined);
  if (keys === undefined || keys.some(({ revokedAt }) => revokedAt === null)) return;
  log.warn('there is no API key yet; make one with: distill keys create --name NAME --scope admin');
}
