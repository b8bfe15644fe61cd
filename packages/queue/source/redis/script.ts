import { createHash } from 'node:crypto';
import type { Client } from './connection.ts';

/** A Lua script, which Redis runs atomically. It is sent by its digest, and as a whole when Redis does not know it. */
export interface Script {
  lua: string;
  digest: string;
}

export function script(lua: string): Script {
  return { lua, digest: createHash('sha1').update(lua).digest('hex') };
}

export async function run(
  redis: Client,
  { lua, digest }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(digest, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(lua, keys.length, ...keys, ...args);
  }
}

/** The count that a script has answered with where it refuses what is beyond a quota; undefined for any other error. */
export function countBeyond(quota: 'QUOTA' | 'PROJECT', error: unknown): number | undefined {
  const [, count] = error instanceof Error ? (new RegExp(`^${quota} (\\d+)`).exec(error.message) ?? []) : [];
  return count === undefined ? undefined : Number(count);
}
