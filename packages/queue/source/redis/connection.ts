import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DistilleryError } from '@distillery/spec';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from './redis-url.ts';

/** A connection to one server, to the master that Sentinels name, or to a Cluster. */
export type Client = Redis | Cluster;

/**
 * What a command does while Redis cannot be reached. `fail`: it is refused at once, for a server that must answer
 * its own clients. `wait`: it is kept and sent again until Redis is back, for a worker in the middle of a training run.
 */
export type OnOutage = 'fail' | 'wait';

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 1000);

/** A demoted master refuses writes: whoever is master now is to be found by connecting anew. */
const demoted = (error: Error) => error.message.startsWith('READONLY ');

/**
 * `socketTimeout`: a peer that is cut off without a word never closes, so whoever owes an answer for so long is taken
 * for gone. BullMQ blocks for 10 s, and has its answer after those.
 */
const manners: Record<OnOutage, RedisOptions> = {
  wait: {
    maxRetriesPerRequest: null,
    socketTimeout: 15_000,
    connectTimeout: 5000,
    reconnectOnError: (error) => (demoted(error) ? 2 : false),
  },
  fail: {
    // Without these a command would be kept and sent after we had answered that it failed.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 3000,
    socketTimeout: 3000,
    connectTimeout: 2000,
    reconnectOnError: demoted,
  },
};

/**
 * A connection that comes back by itself. `onError` hears of every failed try.
 *
 * @throws RangeError when the URL is none; an error of the file system when its PEM files cannot be read
 */
export function connect(url: string, onOutage: OnOutage, onError: (error: Error) => void): Client {
  const address = parseRedisUrl(url);
  const { username, password, db, hosts } = address;
  const options: RedisOptions = {
    ...manners[onOutage],
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(address.tls ? { tls: tlsOf(address) } : {}),
  };
  const redis =
    address.kind === 'server'
      ? new Redis({ ...options, ...hosts[0], db, retryStrategy })
      : address.kind === 'sentinel'
        ? new Redis({ ...options, ...sentinelsOf(address), db, retryStrategy })
        : new Cluster(hosts, {
            clusterRetryStrategy: retryStrategy,
            enableOfflineQueue: onOutage === 'wait',
            slotsRefreshTimeout: 2000,
            // The names, since certificates are made out to them.
            ...(address.tls ? { dnsLookup: (name, found) => found(null, name) } : {}),
            redisOptions: options,
          });
  redis.on('error', onError);
  return redis;
}

function tlsOf({ ca, cert, key }: RedisAddress) {
  const files = Object.entries({ ca, cert, key }).filter(([, path]) => path !== undefined);
  return Object.fromEntries(files.map(([name, path]) => [name, readFileSync(path as string)]));
}

function sentinelsOf(address: RedisAddress): RedisOptions {
  const { hosts, master, sentinelUsername, sentinelPassword } = address;
  return {
    sentinels: hosts,
    name: master,
    sentinelCommandTimeout: 2000,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(address) } : {}),
  };
}

/** The servers that hold keys. */
export function masters(redis: Client): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis];
}

/** Resolves when the connection can be used, or after `timeoutMs` when it cannot. */
export async function settled(redis: Client, timeoutMs: number): Promise<void> {
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

/** Replies with which Redis itself says that it cannot be used, now or by us: it has another password, say. */
const unusable =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MISCONF|OOM|BUSY|TRYAGAIN|NOREPLICAS|NOAUTH|WRONGPASS) /;

/** Turns what ioredis throws into an error of the table; others pass. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DistilleryError) return error;
  const connection =
    /Connection is closed|Command timed out|Stream isn't writeable|max retries per request|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|Socket|Command aborted due to connection|cluster redirections|Cluster isn't ready|Cluster is ended|startup nodes|slots cache|sentinels are unreachable/i;
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

/**
 * As `guarded`, but called again until Redis can be used: also when it says itself that it cannot now (no memory, no
 * master), where a connection that waits would pass the refusal on. Once `signal` aborts, it is passed on.
 */
export function patient(signal: AbortSignal, onError: (error: Error) => void): typeof guarded {
  return (fn) =>
    async (...args) => {
      for (let tries = 0; ; tries++) {
        try {
          return await fn(...args);
        } catch (cause) {
          const error = translate(cause);
          const away = error instanceof DistilleryError && error.code === 'redis_unavailable';
          if (!away || signal.aborted) throw error;
          onError(error);
          await delay(retryStrategy(tries), undefined, { signal }).catch(() => {});
        }
      }
    };
}

/** Errors of ioredis carry their command whole: specs, and the password of whoever logs in. */
export function withoutCommand(error: Error): Error {
  delete (error as { command?: unknown }).command;
  return error;
}
