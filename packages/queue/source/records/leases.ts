import { randomUUID } from 'node:crypto';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';

/** ARGV: the holder, milliseconds. Takes or extends a lease; returns 1 when the holder has it. */
const takeScript = script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** ARGV: the holder. Ends its lease. */
const endScript = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`);

/** Work that only one process does at a time. Its lease ends by itself when the process is gone. */
export function leases(redis: Client, keys: Keys) {
  const holder = randomUUID();
  return {
    /** Takes or extends a lease for some milliseconds. @returns false while another process has it */
    take: guarded(
      async (work: string, forMs: number): Promise<boolean> =>
        (await run(redis, takeScript, [keys.lease(work)], [holder, forMs])) === 1,
    ),
    /** Ends a lease of this process. */
    end: guarded(async (work: string): Promise<void> => {
      await run(redis, endScript, [keys.lease(work)], [holder]);
    }),
  };
}
export type Leases = ReturnType<typeof leases>;
