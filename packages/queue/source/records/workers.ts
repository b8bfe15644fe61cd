import type { EngineInfo } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';

export interface WorkerInfo {
  id: string;
  host: string;
  /** Of Distillery. */
  version: string;
  engine: EngineInfo;
}

export interface LiveWorker extends WorkerInfo {
  startedAt: string;
  seenAt: string;
  /** What it works on; null: it waits. */
  stage: { jobId: string; stageId: string } | null;
}

export interface Registration {
  /** Tells what the worker works on from now on. */
  working(stage: LiveWorker['stage']): void;
  /** Leaves the list. */
  stop(): Promise<void>;
}

const refreshMs = 5000;
const expiryMs = 3 * refreshMs;

/** Who is there to work. */
export function workerRegistry(redis: Client, keys: Keys) {
  return {
    /** Puts a worker on the list and keeps it there, until it stops or falls silent for 15 s. */
    register: guarded(async (info: WorkerInfo): Promise<Registration> => {
      const startedAt = new Date().toISOString();
      let stage: LiveWorker['stage'] = null;
      const tell = async () => {
        const now: LiveWorker = { ...info, startedAt, seenAt: new Date().toISOString(), stage };
        await redis.set(keys.worker(info.id), JSON.stringify(now), 'PX', expiryMs);
        await redis.zadd(keys.workers, Date.now(), info.id);
      };
      // A sign of life that is lost does no harm: the next one follows.
      let last: Promise<void> = Promise.resolve();
      const tellSoon = () => {
        last = last.then(tell).catch(() => {});
      };
      await tell();
      const timer = setInterval(tellSoon, refreshMs);
      timer.unref();
      return {
        working(next) {
          stage = next;
          tellSoon();
        },
        async stop() {
          clearInterval(timer);
          await last;
          await Promise.all([redis.del(keys.worker(info.id)), redis.zrem(keys.workers, info.id)]);
        },
      };
    }),

    /** The workers that live, in the order of their ids. */
    list: guarded(async (): Promise<LiveWorker[]> => {
      const ids = await redis.zrange(keys.workers, '0', '-1');
      const texts = ids.length === 0 ? [] : await redis.mget(...ids.map((id) => keys.worker(id)));
      const gone = ids.filter((_, i) => texts[i] === null);
      if (gone.length > 0) await redis.zrem(keys.workers, ...gone);
      return texts
        .filter((text) => typeof text === 'string')
        .map((text) => JSON.parse(text) as LiveWorker)
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    }),
  };
}
export type Workers = ReturnType<typeof workerRegistry>;
