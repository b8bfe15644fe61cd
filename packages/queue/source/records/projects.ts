import { DistilleryError, type Project, type ProjectQuota } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import type { Fields } from './record.ts';

const dayMs = 86_400_000;
const quotas = ['jobs', 'bytes', 'hours'] as const;
type QuotaChange = { [Name in keyof ProjectQuota]?: ProjectQuota[Name] | undefined };

/** The projects: their quotas, and what their jobs have used. */
export function projectRecords(redis: Client, keys: Keys) {
  const get = async (name: string): Promise<Project> => {
    const fields: Fields = await redis.hgetall(keys.project(name));
    if (fields.name !== undefined) return projectFrom(fields);
    throw new DistilleryError('project_not_found', `there is no project ${JSON.stringify(name)}`);
  };
  const setQuota = async (name: string, quota: QuotaChange) => {
    for (const each of quotas) {
      const value = quota[each];
      if (value === null) await redis.hdel(keys.project(name), each);
      else if (value !== undefined) await redis.hset(keys.project(name), each, value);
    }
  };

  return {
    /** Creates a project. @throws DistilleryError `state_conflict` when there is one of this name */
    create: guarded(async (name: string, quota: QuotaChange = {}): Promise<Project> => {
      if ((await redis.hsetnx(keys.project(name), 'name', name)) === 0) {
        throw new DistilleryError(
          'state_conflict',
          `there is a project ${name} already: change its quota by PATCH /v1/projects/${name}`,
        );
      }
      await redis.hset(keys.project(name), 'createdAt', new Date().toISOString());
      await redis.sadd(keys.projects, name);
      await setQuota(name, quota);
      return await get(name);
    }),

    /** @throws DistilleryError `project_not_found` */
    get: guarded(get),

    /** All projects, by name. */
    list: guarded(
      async (): Promise<Project[]> =>
        await Promise.all((await redis.smembers(keys.projects)).sort().map(get)),
    ),

    /** Changes the quotas that are given; null takes a limit away. @throws DistilleryError `project_not_found` */
    setQuota: guarded(async (name: string, quota: QuotaChange): Promise<Project> => {
      await get(name);
      await setQuota(name, quota);
      return await get(name);
    }),

    /** How many jobs of the project have not ended. */
    unfinished: guarded(
      // '0' comes right after '/'.
      async (name: string): Promise<number> => await redis.zlexcount(keys.live, `[${name}/`, `(${name}0`),
    ),

    /** The hours for which stages of the project have run that ended in the month (UTC) of a time. */
    hours: guarded(async (name: string, time: Date = new Date()): Promise<number> => {
      const [year, month] = [time.getUTCFullYear(), time.getUTCMonth()];
      const first = Date.UTC(year, month, 1) / dayMs;
      const days = Date.UTC(year, month + 1, 1) / dayMs - first;
      const seconds = await redis.hmget(
        keys.usage,
        ...Array.from({ length: days }, (_, day) => `${name} ${first + day}`),
      );
      return seconds.reduce((sum, each) => sum + Number(each ?? 0), 0) / 3600;
    }),

    /** The ids of all jobs of the project. */
    jobs: guarded(
      async (name: string): Promise<string[]> => await redis.zrange(keys.ofProject(name), '0', '-1'),
    ),
  };
}
export type Projects = ReturnType<typeof projectRecords>;

function projectFrom({ name, createdAt, ...fields }: Fields): Project {
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return {
    name,
    createdAt,
    quota: { jobs: number(fields.jobs), bytes: number(fields.bytes), hours: number(fields.hours) },
  };
}

/** The error for a request beyond a quota. */
export function quotaError(
  project: string,
  quota: keyof ProjectQuota,
  used: number,
  limit: number,
  cause?: unknown,
): DistilleryError {
  const what = {
    jobs: 'unfinished jobs: wait until one has ended',
    bytes: 'bytes in the store: delete jobs, data sets, networks or uploads',
    hours: 'hours of trainers in this month: wait for the next',
  }[quota];
  const rounded = Math.round(used * 100) / 100;
  return new DistilleryError(
    'quota_exceeded',
    `the quota "${quota}" of the project ${project} is used up: it has ${rounded} of ${limit} ${what}, or ask an administrator for more`,
    { cause },
  );
}
