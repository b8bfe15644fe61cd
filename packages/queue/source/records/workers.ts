import type { EngineInfo } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';

export interface WorkerInfo {
  id: string;
  host: string;
  /** The version of Distillery that it runs. */
  version: string;
  engine: EngineInfo;
  /** The stages that it runs at once; default 1. */
  trainers?: number;
  /** The memory of its machine or container, in bytes. Earlier versions do not tell it. */
  memoryBytes?: number;
  /** The memory of the GPU that it computes on, in bytes; absent without one, and where it is unknown. */
  gpuMemoryBytes?: number;
  /** The labels of the setting CAPABILITIES; default none. */
  labels?: readonly string[];
}

/** What a worker uses of its machine, as it measures it with each heartbeat. What it cannot measure is absent. */
export interface WorkerLoad {
  memoryUsedBytes?: number;
  /** Of the file system that holds its data folder. */
  diskFreeBytes?: number;
  diskBytes?: number;
  gpuMemoryUsedBytes?: number;
}

/** The engines that compute on a GPU. */
const gpuEngines = ['gpu', 'webgpu'];

/** What stages may require of a worker, as `unmet` of @distillery/spec compares it. */
export function capabilitiesOf({
  engine,
  gpuMemoryBytes,
  labels = [],
}: Pick<WorkerInfo, 'engine' | 'gpuMemoryBytes' | 'labels'>): string[] {
  return [
    gpuEngines.includes(engine.name) ? 'gpu' : 'cpu',
    ...(engine.bfloat16 === null ? ['bfloat16'] : []),
    ...(gpuMemoryBytes === undefined ? [] : [`gpuMemory=${gpuMemoryBytes}`]),
    ...labels.map((label) => `label:${label}`),
  ];
}

export interface LiveWorker extends WorkerInfo, WorkerLoad {
  startedAt: string;
  seenAt: string;
  /** The stage that it took last of those that it runs; null while it is idle. */
  stage: { jobId: string; stageId: string } | null;
}

export interface Registration {
  /** Sets the stage that the worker runs from now on. */
  working(stage: LiveWorker['stage']): void;
  /** Removes the worker from the list. */
  stop(): Promise<void>;
}

const refreshMs = 5000;
const expiryMs = 3 * refreshMs;
const unmeasured = async (): Promise<WorkerLoad> => ({});

/** The workers that are alive. */
export function workerRegistry(redis: Client, keys: Keys) {
  return {
    /**
     * Puts a worker on the list and keeps it there, until it stops or sends no heartbeat for 15 s.
     *
     * @param measure measures its load before each heartbeat; default: nothing is known of it
     */
    register: guarded(
      async (info: WorkerInfo, measure: () => Promise<WorkerLoad> = unmeasured): Promise<Registration> => {
        const startedAt = new Date().toISOString();
        let stage: LiveWorker['stage'] = null;
        const beat = async () => {
          const load = await measure();
          const now: LiveWorker = { ...info, ...load, startedAt, seenAt: new Date().toISOString(), stage };
          await redis.set(keys.worker(info.id), JSON.stringify(now), 'PX', expiryMs);
          await redis.zadd(keys.workers, Date.now(), info.id);
        };
        // A lost heartbeat does no harm: the next one follows.
        let last: Promise<void> = Promise.resolve();
        const beatSoon = () => {
          last = last.then(beat).catch(() => {});
        };
        await beat();
        const timer = setInterval(beatSoon, refreshMs);
        timer.unref();
        return {
          working(next) {
            stage = next;
            beatSoon();
          },
          async stop() {
            clearInterval(timer);
            await last;
            await Promise.all([redis.del(keys.worker(info.id)), redis.zrem(keys.workers, info.id)]);
          },
        };
      },
    ),

    /** Lists the workers that are alive, in the order of their ids. */
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
