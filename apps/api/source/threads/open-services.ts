import { setTimeout as delay } from 'node:timers/promises';
import { type DistilleryQueue, openQueue } from '@distillery/queue';
import { openStore, type Store } from '@distillery/store';
import { loadPlugins } from '@distillery/training';

/** What a thread opens for itself: connections cannot be shared with it. */
export interface ServiceData {
  redisUrl: string;
  /** Prefix of every Redis key; the queue's own default when undefined. */
  prefix?: string | undefined;
  /** The artifact store: its URL, or the path of a folder. */
  store: string;
  /** The modules whose kinds join the built-in ones. */
  plugins: readonly string[];
}

export interface ThreadServices {
  queue: DistilleryQueue;
  store: Store;
}

const reconnectionTries = 20;

/**
 * Waits until this thread's connection to Redis is back, for at most two seconds: after an outage it may be behind that of the
 * thread that asks, which has just reached Redis.
 */
export async function reconnected({ queue }: Pick<ThreadServices, 'queue'>): Promise<void> {
  for (let tries = 0; tries < reconnectionTries; tries++) {
    const reached = await queue.ping().then(
      () => true,
      () => false,
    );
    if (reached) return;
    await delay(100);
  }
}

export async function openServices(
  { redisUrl: url, prefix, store, plugins }: ServiceData,
  warn: (message: string) => void,
): Promise<ThreadServices> {
  await loadPlugins(plugins);
  return {
    store: await openStore(store, { warn }),
    queue: await openQueue({
      url,
      ...(prefix === undefined ? {} : { prefix }),
      onError: (error) => warn(`Redis: ${error.message}`),
    }),
  };
}
