import { randomBytes } from 'node:crypto';
import { sha256 } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import type { ApiKey, ApiKeys } from './api-keys.ts';

const hour = 60 * 60 * 1000;
const minute = 60_000;

/** How long sessions last. */
export interface SessionLifetime {
  /** Days after which a session ends, however much it is used. */
  days: number;
  /** Hours without a request after which it ends. */
  idleHours: number;
}

/**
 * Sessions of browsers, each of one API key. Only the SHA-256 of a session's token is stored. A session ends when
 * its lifetime is over, when it is ended, and when its key is revoked.
 */
export function sessions(redis: Client, keys: Keys, apiKeys: ApiKeys, { days, idleHours }: SessionLifetime) {
  const longestMs = Math.round(24 * hour * days);
  const idleMs = Math.min(longestMs, Math.round(hour * idleHours));
  return {
    /** How long a session can last, in seconds, however much it is used. */
    longestSeconds: longestMs / 1000,

    /** Begins a session. @returns its token, which cannot be read again */
    create: guarded(async (keyId: string): Promise<string> => {
      const token = randomBytes(32).toString('base64url');
      const name = keys.session(sha256(token));
      const now = Date.now();
      await redis
        .multi()
        .hset(name, { key: keyId, createdAt: now, usedAt: now })
        .pexpire(name, idleMs)
        .exec();
      return token;
    }),

    /** The key of a session; undefined when there is no such session, or its key is not valid any more. */
    verify: guarded(async (token: string): Promise<ApiKey | undefined> => {
      const name = keys.session(sha256(token));
      const { key, createdAt, usedAt } = await redis.hgetall(name);
      if (key === undefined) return undefined;
      const now = Date.now();
      const left = Number(createdAt) + longestMs - now;
      const found = left <= 0 ? undefined : await apiKeys.valid(key);
      if (found === undefined) {
        await redis.del(name);
        return undefined;
      }
      if (now - Number(usedAt) > minute) {
        // Not awaited: the request need not wait for it. A session that has ended meanwhile must not come back.
        redis
          .pexpire(name, Math.min(idleMs, left))
          .then((exists) => (exists === 1 ? redis.hset(name, 'usedAt', now) : 0))
          .catch(() => {});
      }
      return found;
    }),

    /** Ends a session, if there is one. */
    end: guarded(async (token: string): Promise<void> => {
      await redis.del(keys.session(sha256(token)));
    }),
  };
}
export type Sessions = ReturnType<typeof sessions>;
