import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '@distillery/api';
import { scrub, startPrivateRedis } from '@distillery/queue';
import type { EngineInfo } from '@distillery/spec';
import { type RunningWorker, startWorker } from '@distillery/worker';
import { pino } from 'pino';

export interface StackOptions {
  /** Store, decoded data, Redis' files and the log go here. */
  folder: string;
  /** Folders that job specs may read. */
  roots: string[];
  /** 0: a free one. */
  port?: number;
  workers?: number;
  /** Stages that each worker does at once. */
  trainers: number;
  /** Keeps jobs, for the next start to go on with; otherwise Redis forgets them when it stops. */
  keepJobs: boolean;
}

export interface Stack {
  url: string;
  engine: EngineInfo;
  /** Stops workers, API and Redis, in this order; safe to call twice. */
  close(): Promise<void>;
}

/** Redis (our own unless REDIS_URL is set), API and workers in and below this process, on loopback. */
export async function startStack({
  folder,
  roots,
  keepJobs,
  port = 0,
  workers = 1,
  trainers,
}: StackOptions): Promise<Stack> {
  await mkdir(folder, { recursive: true });
  const log = pino(
    { level: process.env.LOG_LEVEL ?? 'info', hooks: { streamWrite: scrub } },
    pino.destination({ dest: join(folder, 'distillery.log'), sync: false }),
  );
  const version = '0.1.0';
  const storeDir = join(folder, 'store');
  const dataDir = join(folder, 'data');
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  // Last opened, first closed: workers hand back what they hold while Redis still answers.
  const close = () => {
    closing ??= (async () => {
      for (const closer of closers.reverse()) await closer();
    })();
    return closing;
  };
  try {
    let redisUrl = process.env.REDIS_URL;
    if (!redisUrl) {
      const redis = await startPrivateRedis(keepJobs ? { dir: join(folder, 'redis') } : {});
      closers.push(redis.stop);
      redisUrl = redis.url;
    }
    const at = {
      redisUrl,
      storeDir,
      dataDir,
      roots,
      log,
      volatileRedis: process.env.REDIS_VOLATILE === 'allow',
    };
    const api = await startApi({ ...at, host: '127.0.0.1', port, env: process.env });
    closers.push(api.close);
    const running: RunningWorker[] = [];
    for (let i = 0; i < workers; i++) {
      running.push(await startWorker({ ...at, trainers, version }));
    }
    closers.push(() => Promise.all(running.map((worker) => worker.close())));
    return { url: api.url, engine: running[0].engine, close };
  } catch (error) {
    await close();
    throw error;
  }
}
