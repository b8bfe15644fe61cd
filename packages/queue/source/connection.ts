import { DistilleryError } from '@distillery/spec';
import { Redis } from 'ioredis';

/**
 * What a command does while Redis cannot be reached. `fail`: it is refused at once, for a server that must answer
 * its own clients. `wait`: it is kept and sent again until Redis is back, for a worker in the middle of a training run.
 */
export type OnOutage = 'fail' | 'wait';

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 1000);

/** A connection that comes back by itself. `onError` hears of every failed try. */
export function connect(url: string, onOutage: OnOutage, onError: (error: Error) => void): Redis {
  const options =
    onOutage === 'wait'
      ? { maxRetriesPerRequest: null }
      : {
          // Without these a command would be kept and sent after we had answered that it failed.
          enableOfflineQueue: false,
          autoResendUnfulfilledCommands: false,
          maxRetriesPerRequest: 0,
          commandTimeout: 3000,
          connectTimeout: 2000,
        };
  const redis = new Redis(url, { retryStrategy, ...options });
  redis.on('error', onError);
  return redis;
}

/** Resolves when the connection can be used, or after `timeoutMs` when it cannot. */
export async function settled(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      redis.off('ready', done);
      redis.off('error', done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    redis.on('ready', done);
    redis.on('error', done);
  });
}

/** Replies with which Redis itself says that it cannot be used now. */
const unusable = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MISCONF|OOM|BUSY|TRYAGAIN|NOREPLICAS) /;

/** Turns what ioredis throws into an error of the table; others pass. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DistilleryError) return error;
  const connection =
    /Connection is closed|Command timed out|Stream isn't writeable|max retries per request|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|Socket|Command aborted due to connection/i;
  const ours = error.name === 'ReplyError' ? unusable.test(error.message) : connection.test(error.message);
  if (!ours && error.name !== 'MaxRetriesPerRequestError') return error;
  return new DistilleryError('redis_unavailable', `Redis cannot be used: ${error.message}`, { cause: error });
}

/** The same function, its connection errors turned into `redis_unavailable`. */
export function guarded<A extends unknown[], R>(fn: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await fn(...args);
    } catch (error) {
      throw translate(error);
    }
  };
}
