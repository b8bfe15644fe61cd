import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { openStore, type Store } from '@distillery/store';
import { type Client, createClient } from '@distillery/client';
import { type DistilleryQueue, openQueue, startPrivateRedis } from '@distillery/queue';
import type { JobSpecInput, JobView, Report } from '@distillery/spec';
import type * as api from '@distillery/api';
import type * as worker from '@distillery/worker';
import type { RunningWorker } from '@distillery/worker';
import { pino } from 'pino';
import { inject } from 'vitest';

/** The whole service for a test, with a private Redis, port and folder. */
export interface Service {
  url: string;
  redisUrl: string;
  client: Client;
  workers: RunningWorker[];
  folder: string;
  queue: DistilleryQueue;
  store: Store;
  /** Submits a job and waits until it ends. */
  complete(spec: JobSpecInput): Promise<{ job: JobView; report: Report }>;
  close(): Promise<void>;
}

/** The worker that a test starts: the compiled one, whose trainers start a second faster, unless `source`. */
export function workerModule(source = false): Promise<typeof worker> {
  return source ? import('@distillery/worker') : compiled('worker');
}

/** The API that a test starts: the compiled one, whose planning thread starts a second faster, unless `source`. */
function apiModule(source: boolean): Promise<typeof api> {
  return source ? import('@distillery/api') : compiled('api');
}

function compiled(app: string) {
  return import(pathToFileURL(join(inject('built'), 'apps', app, 'source/index.js')).href);
}

/** Returns the compiled trainers that a process has started, by default this one. */
export async function trainers(parent = process.pid): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,ppid,args']);
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === parent && match[3].includes('trainer.js'))
    .map((match) => Number(match?.[1]));
}

export async function startService({
  workers = 1,
  trainers = 1,
  stallSeconds = 600,
  lockSeconds = 15,
  roots = [] as string[],
  plugins = [] as string[],
  /** Whether API and worker run from the sources, which plug-ins in TypeScript need; default: the compiled code. */
  source = false,
  /** The scheme of the store, which is in the folder of the service. */
  scheme = 'file',
  /** The URL of a store that the test manages; default: one in the folder of the service. */
  storeUrl = undefined as string | undefined,
  /** The URL of a Redis that the test manages; default: a private one. */
  redisUrl = undefined as string | undefined,
} = {}): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-service-'));
  const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' }, pino.destination(2));
  const redis = redisUrl === undefined ? await startPrivateRedis() : { url: redisUrl, stop: async () => {} };
  const store = storeUrl ?? pathToFileURL(join(folder, 'store')).href.replace(/^file:/, `${scheme}:`);
  const { startWorker } = await workerModule(source);
  const at = { store, dataDir: join(folder, 'data'), roots, plugins, log };
  const { startApi } = await apiModule(source);
  const api = await startApi({ ...at, redisUrl: redis.url, host: '127.0.0.1', port: 0 });
  const running = await Promise.all(
    Array.from({ length: workers }, () =>
      startWorker({ ...at, trainers, stallSeconds, lockSeconds, redisUrl: redis.url, version: 'test' }),
    ),
  );
  const queue = await openQueue({ url: redis.url });
  const client = createClient(api.url);
  return {
    url: api.url,
    redisUrl: redis.url,
    client,
    workers: running,
    folder,
    queue,
    store: await openStore(at.store),
    async complete(spec) {
      const { id } = await client.jobs.create(spec);
      let last: JobView | undefined;
      for await (const view of client.jobs.watch(id, { interval: 100 })) last = view;
      if (last?.state !== 'succeeded') throw new Error(`${id}: ${JSON.stringify(last?.reason)}`);
      return { job: last, report: await client.jobs.report(id) };
    },
    async close() {
      await Promise.all(running.map((worker) => worker.close()));
      await queue.close();
      await api.close();
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
