import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiOptions, startApi } from '@distillery/api';
import { scrub, startPrivateRedis } from '@distillery/queue';
import type { EngineInfo } from '@distillery/spec';
import type { Configuration } from '@distillery/spec/configuration';
import { type RunningWorker, startWorker, type WorkerOptions } from '@distillery/worker';
import { pino } from 'pino';
import { redisFolder } from './redis-folder.ts';

/** The options of API and workers. Without a URL, a private Redis is started. */
export interface StackOptions
  extends Omit<ApiOptions & WorkerOptions, 'redisUrl' | 'log'>,
    Pick<Configuration<'up'>, 'redisUrl' | 'folder' | 'logLevel' | 'workers'> {
  /** Whether a private Redis keeps jobs in the folder for the next start. */
  keepJobs: boolean;
}

export interface Stack {
  url: string;
  engine: EngineInfo;
  /** Stops workers, API and Redis in this order. A second call waits for the first. */
  close(): Promise<void>;
}

/** Starts Redis, API and workers from this process. Their log is `distillery.log` in the folder. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { folder, logLevel, workers, keepJobs } = options;
  await mkdir(folder, { recursive: true });
  const log = pino(
    { level: logLevel, hooks: { streamWrite: scrub } },
    pino.destination({ dest: join(folder, 'distillery.log'), sync: false }),
  );
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  // In the reverse order of starting: workers hand back their stages while Redis still answers.
  const close = () => {
    closing ??= (async () => {
      for (const closer of closers.reverse()) await closer();
    })();
    return closing;
  };
  try {
    let { redisUrl } = options;
    if (redisUrl === undefined) {
      const redis = await startPrivateRedis(keepJobs ? { dir: redisFolder(folder) } : {});
      closers.push(redis.stop);
      redisUrl = redis.url;
    }
    const api = await startApi({ ...options, redisUrl, log });
    closers.push(api.close);
    const running: RunningWorker[] = [];
    closers.push(() => Promise.all(running.map((worker) => worker.close())));
    for (let i = 0; i < workers; i++) running.push(await startWorker({ ...options, redisUrl, log }));
    return { url: api.url, engine: running[0].engine, close };
  } catch (error) {
    await close();
    throw error;
  }
}
