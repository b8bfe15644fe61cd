import { randomUUID } from 'node:crypto';
import type { JobState } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';

/** What tells one state of a job's record from another. */
export interface JobHead {
  id: string;
  state: JobState;
  version: number;
}

const pageSize = 500;

/** Moves all names from one set to another, and returns the second. KEYS: both sets. */
const takeScript = script(`
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do redis.call('SADD', KEYS[2], name) end
redis.call('DEL', KEYS[1])
return redis.call('SMEMBERS', KEYS[2])
`);

/** What a collection of unused artifacts reads of the records. */
export function inventory(redis: Client, keys: Keys) {
  return {
    /** A random id of the data in this Redis, made at the first use. */
    identity: guarded(async (): Promise<string> => {
      await redis.set(keys.identity, randomUUID(), 'NX');
      return (await redis.get(keys.identity)) as string;
    }),

    /** Every job, in pages: one that is created meanwhile may be missing. */
    async *heads(): AsyncGenerator<JobHead> {
      const page = guarded(async (from: string): Promise<JobHead[]> => {
        const ids = await redis.zrangebylex(keys.all, from, '+', 'LIMIT', 0, pageSize);
        const heads = await Promise.all(ids.map((id) => redis.hmget(keys.job(id), 'state', 'version')));
        return ids.map((id, index) => {
          const [state, version] = heads[index];
          // A job that was deleted meanwhile has no state.
          return { id, state: (state ?? 'cancelled') as JobState, version: Number(version ?? -1) };
        });
      });
      for (let from = '-'; ; ) {
        const heads = await page(from);
        yield* heads.filter(({ version }) => version >= 0);
        const last = heads.at(-1);
        if (last === undefined) return;
        from = `(${last.id}`;
      }
    },

    /** The milliseconds since the oldest of all running attempts began; 0 when none runs. */
    oldestAttempt: guarded(async (): Promise<number> => {
      const [seconds, micros] = await redis.time();
      const now = Number(seconds) * 1000 + Number(micros) / 1000;
      const running = Object.values(await redis.hgetall(keys.running)).map((text) => text.split(' '));
      const starts = await Promise.all(
        running.map(([id, stage]) => redis.hget(keys.job(id), `s:${stage}:startedAt`)),
      );
      // A stage that has ended meanwhile may be gone with its job.
      const oldest = Math.min(now, ...starts.flatMap((start) => (start === null ? [] : [Number(start)])));
      return now - oldest;
    }),

    /** The artifacts of deleted jobs that are still to be removed. */
    leftovers: {
      /** Returns all of them. They stay until they are dropped; a name that is added meanwhile is another entry. */
      take: guarded(
        async (): Promise<string[]> =>
          (await run(redis, takeScript, [keys.leftovers, keys.collecting], [])) as string[],
      ),
      /** Notes more of them. */
      add: guarded(async (names: readonly string[]): Promise<void> => {
        if (names.length > 0) await redis.sadd(keys.leftovers, ...names);
      }),
      /** Forgets names that were taken. */
      drop: guarded(async (names: readonly string[]): Promise<void> => {
        for (let at = 0; at < names.length; at += pageSize) {
          await redis.srem(keys.collecting, ...names.slice(at, at + pageSize));
        }
      }),
    },
  };
}
export type Inventory = ReturnType<typeof inventory>;
