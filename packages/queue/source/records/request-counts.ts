import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';

const windowMs = 60_000;

/** ARGV: milliseconds of a window. Returns how many there were in it, and the milliseconds until the next one. */
const countScript = script(`
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
`);

export interface RequestCount {
  /** This one included. */
  count: number;
  /** Until it begins anew. */
  resetSeconds: number;
}

/** Requests of this minute, over all APIs. */
export function requestCounts(redis: Client, keys: Keys) {
  return {
    /** Counts one more of somebody's. */
    add: guarded(async (who: string): Promise<RequestCount> => {
      const reply = await run(redis, countScript, [keys.requests(who)], [windowMs]);
      const [count, left] = reply as [number, number];
      return { count, resetSeconds: Math.max(1, Math.ceil(left / 1000)) };
    }),
  };
}
export type RequestCounts = ReturnType<typeof requestCounts>;
