import { statfs } from 'node:fs/promises';
import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError } from '@distillery/spec';
import { Gauge, Registry } from 'prom-client';
import type { ProcessMetrics } from './process-metrics.ts';
import { serviceMetrics } from './service-metrics.ts';

export interface ExpositionSources {
  queue: DistilleryQueue;
  process: ProcessMetrics;
  /** Resolves when the store can be written. */
  storeIsWritable(): Promise<void>;
  /** Folders whose file systems are watched, by what they hold. */
  folders: Readonly<Record<string, string>>;
}

/** The text that Prometheus reads. */
export interface Exposition {
  contentType: string;
  text(): Promise<string>;
}

/**
 * Composes the text that Prometheus reads. It is served while Redis or the store is away, too: `distillery_redis_up` and
 * `distillery_store_up` are 0 then, and the metrics of the whole service are missing without Redis.
 */
export function exposition({ queue, process, storeIsWritable, folders }: ExpositionSources): Exposition {
  async function places(): Promise<Registry> {
    const registry = new Registry();
    const gauge = (name: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name, help, labelNames, registers: [registry] });
    const redis = gauge('distillery_redis_up', 'Whether this process can use Redis.');
    const store = gauge('distillery_store_up', 'Whether this process can write the artifact store.');
    const free = gauge('distillery_disk_free_bytes', 'Free bytes where this process keeps files.', [
      'folder',
    ]);
    const size = gauge('distillery_disk_bytes', 'The size of that file system.', ['folder']);
    redis.set((await succeeds(queue.ping())) ? 1 : 0);
    store.set((await succeeds(storeIsWritable())) ? 1 : 0);
    for (const [folder, path] of Object.entries(folders)) {
      const found = await statfs(path).catch(() => undefined);
      if (found === undefined) continue;
      free.set({ folder }, found.bavail * found.bsize);
      size.set({ folder }, found.blocks * found.bsize);
    }
    return registry;
  }

  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async text() {
      const read = await Promise.all([places(), serviceMetrics(queue).catch(withoutRedis)]);
      const texts = [...read, process.registry].map((registry) => registry.metrics());
      return (await Promise.all(texts)).join('\n');
    },
  };
}

function withoutRedis(error: unknown): Registry {
  if (error instanceof DistilleryError && error.code === 'redis_unavailable') return new Registry();
  throw error;
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
