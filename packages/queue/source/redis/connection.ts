import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DistilleryError } from '@distillery/spec';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from './redis-url.ts';

/** A connection to one server, to the master that Sentinels name, or to a Cluster. */
export type Client = Redis | Cluster;

/**
 * What a command does while Redis cannot be reached. `fail`: it fails at once, for a server that must answer its own
 * clients. `wait`: it is sent again until Redis is back, for a worker in the middle of a training run.
 */
export type OnOutage = 'fail' | 'wait';

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 1000);

/** A demoted master refuses writes; a new connection finds the current master. */
const demoted = (error: Error) => error.message.startsWith('READONLY ');

/**
 * `socketTimeout`: a peer that vanishes never closes the connection, so a peer that owes an answer for so long is taken
 * for gone. It is longer than the 10 s for which BullMQ blocks.
 */
const optionsOf: Record<OnOutage, RedisOptions> = {
  wait: {
    maxRetriesPerRequest: null,
    socketTimeout: 15_000,
    connectTimeout: 5000,
    reconnectOnError: (error) => (demoted(error) ? 2 : false),
  },
  fail: {
    // Otherwise a command would be kept, and sent after its caller was told that it had failed.
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
 * Opens a connection that reconnects by itself. `onError` is called for every failed attempt.
 *
 * @throws RangeError for an invalid URL; an error of the file system when its PEM files cannot be read
 */
export function connect(url: string, onOutage: OnOutage, onError: (error: Error) => void): Client {
  const address = parseRedisUrl(url);
  const { username, password, db, hosts } = address;
  const options: RedisOptions = {
    ...optionsOf[onOutage],
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
            // By name, since certificates are issued to names.
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

/** Error replies of a Redis that cannot be used, now or by us: because it has another password, for example. */
const unusable =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MISCONF|OOM|BUSY|TRYAGAIN|NOREPLICAS|NOAUTH|WRONGPASS) /;

/** Turns connection errors of ioredis into `redis_unavailable`; other errors are returned as they are. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DistilleryError) return error;
  const connection =
    /Connection is closed|Command timed out|Stream isn't writeable|max retries per request|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|Socket|Command aborted due to connection|cluster redirections|Cluster isn't ready|Cluster is ended|startup nodes|slots cache|sentinels are unreachable/i;
  const unavailable =
    error.name === 'ReplyError' ? unusable.test(error.message) : connection.test(error.message);
  if (!unavailable && error.name !== 'MaxRetriesPerRequestError') return error;
  return new DistilleryError('redis_unavailable', `Redis cannot be used: ${error.message}`, { cause: error });
}

/** Wraps a function so that its connection errors become `redis_unavailable`. */
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
 * As `guarded`, but calls the function again until Redis can be used, also while Redis answers that it cannot be used now
 * (no memory, no master), which a waiting connection would pass on. Once `signal` aborts, the error is passed on.
 */
export function patient(signal: AbortSignal, onError: (error: Error) => void): typeof guarded {
  return (fn) =>
    async (...args) => {
      for (let tries = 0; ; tries++) {
        try {
          return await fn(...args);
        } catch (cause) {
          const error = translate(cause);
          const unavailable = error instanceof DistilleryError && error.code === 'redis_unavailable';
          if (!unavailable || signal.aborted) throw error;
          onError(error);
          await delay(retryStrategy(tries), undefined, { signal }).catch(() => {});
        }
      }
    };
}

/** Removes the command from an error of ioredis: it may contain specs or a password. */
export function withoutCommand(error: Error): Error {
  delete (error as { command?: unknown }).command;
  return error;
}
