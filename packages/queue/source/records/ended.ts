import type { JobState } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';

/** How many jobs are looked at or returned at once. */
const pageSize = 100;

/** Which of the jobs that have ended are kept. */
export interface Retention {
  /** Those that have ended within so many days; default all. */
  days?: number | undefined;
  /** So many at most, of which those stay that ended last; default all. */
  count?: number | undefined;
}

/** The jobs that have ended, in the order in which they did. */
export function endedJobs(redis: Client, keys: Keys) {
  return {
    /** The ids of jobs that are not to be kept any more, those that ended first at the beginning; at most a hundred. */
    expired: guarded(async ({ days, count }: Retention): Promise<string[]> => {
      const expired = new Set<string>();
      if (days !== undefined) {
        const [seconds] = await redis.time();
        const before = (Number(seconds) - days * 86_400) * 1000;
        const old = await redis.zrangebyscore(keys.ended, '-inf', String(before), 'LIMIT', 0, pageSize);
        for (const id of old) expired.add(id);
      }
      if (count !== undefined) {
        const surplus = (await redis.zcard(keys.ended)) - count;
        const oldest =
          surplus > 0 ? await redis.zrange(keys.ended, '0', String(Math.min(surplus, pageSize) - 1)) : [];
        for (const id of oldest) expired.add(id);
      }
      return [...expired].slice(0, pageSize);
    }),

    /** Lists the jobs that ended under an earlier version of Distillery, which kept no such list. */
    adopt: guarded(async (): Promise<void> => {
      const states: JobState[] = ['succeeded', 'failed', 'cancelled'];
      for (const state of states) {
        for (let from = '-'; ; ) {
          const ids = await redis.zrangebylex(keys.inState(state), from, '+', 'LIMIT', 0, pageSize);
          const times = await Promise.all(ids.map((id) => redis.hget(keys.job(id), 'finishedAt')));
          const entries = ids.flatMap((id, i) => (times[i] === null ? [] : [times[i] ?? '', id]));
          if (entries.length > 0) await redis.zadd(keys.ended, 'NX', ...entries);
          const last = ids.at(-1);
          if (last === undefined) break;
          from = `(${last}`;
        }
      }
    }),
  };
}
export type EndedJobs = ReturnType<typeof endedJobs>;
