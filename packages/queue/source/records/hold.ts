import { randomUUID } from 'node:crypto';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';

/** A removal that was not renewed for so long has ended with its process. */
const removalMs = 60_000;

/** What the scripts begin with: the time of Redis in ms, and only removals that have not ended with their process. */
const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
`;

/** KEYS: hold, removals. ARGV: the id of a removal, milliseconds. Returns 0 while a hold forbids removals. */
const enterScript = script(`${prelude}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
return 1
`);

/** KEYS: hold, removals. ARGV: the id of a removal, milliseconds. Keeps a removal from ending with time, also during a hold. */
const renewScript = script(`${prelude}
return redis.call('ZADD', KEYS[2], 'XX', now + ARGV[2], ARGV[1])
`);

/** KEYS: hold, removals. ARGV: milliseconds. Begins or extends a hold; returns how many removals still run. */
const beginScript = script(`${prelude}
redis.call('SET', KEYS[1], string.format('%.0f', now + ARGV[1]), 'PX', ARGV[1])
return redis.call('ZCARD', KEYS[2])
`);

/**
 * The hold on removals from the store. While it lasts, what is unused stays, so that a copy of the store that is made after a copy of
 * Redis has everything that Redis names. Its end is a time, so a backup that was interrupted does not stop the cleaning for ever.
 */
export function storeHold(redis: Client, keys: Keys) {
  const places = [keys.hold, keys.removals];
  return {
    /** Begins or extends a hold. @returns how many removals that began before it still run */
    begin: guarded(
      async (forMs: number): Promise<number> => (await run(redis, beginScript, places, [forMs])) as number,
    ),
    /** Ends the hold, if there is one. */
    end: guarded(async (): Promise<void> => {
      await redis.del(keys.hold);
    }),
    /** The end of the hold; null without one. */
    until: guarded(async (): Promise<Date | null> => {
      const end = await redis.get(keys.hold);
      return end === null ? null : new Date(Number(end));
    }),
    /**
     * Runs a work that removes from the store, unless a hold forbids it.
     *
     * @returns what the work returns; undefined where it was not begun
     */
    unless: async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      const id = randomUUID();
      const enter = guarded(async () => (await run(redis, enterScript, places, [id, removalMs])) === 1);
      if (!(await enter())) return undefined;
      const renewal = setInterval(() => {
        run(redis, renewScript, places, [id, removalMs]).catch(() => {});
      }, removalMs / 4);
      renewal.unref();
      try {
        return await work();
      } finally {
        clearInterval(renewal);
        // Where Redis does not answer, the removal ends by itself.
        await redis.zrem(keys.removals, id).catch(() => {});
      }
    },
  };
}
export type StoreHold = ReturnType<typeof storeHold>;
