import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';

const windowMs = 60_000;

/** ARGV: milliseconds of a window. Returns the requests in the window, and the milliseconds until the next window. */
const countScript = script(`
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
`);

export interface RequestCount {
  /** The requests of this window, with the current one. */
  count: number;
  /** Seconds until the next window. */
  resetSeconds: number;
}

/** Counts the requests of each minute, over all API processes. */
export function requestCounts(redis: Client, keys: Keys) {
  return {
    /** Counts one more request of a client. */
    add: guarded(async (client: string): Promise<RequestCount> => {
      const reply = await run(redis, countScript, [keys.requests(client)], [windowMs]);
      const [count, left] = reply as [number, number];
      return { count, resetSeconds: Math.max(1, Math.ceil(left / 1000)) };
    }),
  };
}
export type RequestCounts = ReturnType<typeof requestCounts>;
