import type { JobState, JobView } from '@distillery/spec';
import type { Client } from '../redis/connection.ts';
import { type Keys } from '../redis/keys.ts';
import { type Fields, viewOf } from './record.ts';

export interface JobQuery {
  state?: JobState | undefined;
  /** The job must have all of these labels with these values. */
  labels?: Record<string, string> | undefined;
  owner?: string | undefined;
  /** Part of the name, in any case. */
  name?: string | undefined;
  /** 1 to 100, default 20. */
  limit?: number | undefined;
  /** `next` of the page before. */
  after?: string | undefined;
}

export interface JobPage {
  jobs: JobView[];
  /** Null on the last page. */
  next: string | null;
}

/** Reads the most selective index that the query allows, and checks the other conditions on the records. */
export async function listJobs(redis: Client, keys: Keys, query: JobQuery): Promise<JobPage> {
  const limit = Math.min(100, Math.max(1, query.limit ?? 20));
  const [label] = Object.entries(query.labels ?? {});
  const index =
    label !== undefined
      ? keys.withLabel(...label)
      : query.owner !== undefined
        ? keys.ownedBy(query.owner)
        : query.state === undefined
          ? keys.all
          : keys.inState(query.state);
  const found: string[] = [];
  let from = query.after === undefined ? '+' : `(${query.after}`;
  while (found.length <= limit) {
    const ids = await redis.zrevrangebylex(index, from, '-', 'LIMIT', 0, 200);
    const last = ids.at(-1);
    if (last === undefined) break;
    const heads = await allOf(ids.map((id) => redis.hmget(keys.job(id), 'state', 'labels', 'name', 'owner')));
    found.push(...ids.filter((_, i) => matches(query, heads[i] ?? [])));
    from = `(${last}`;
  }
  const page = found.slice(0, limit);
  const records = await allOf(page.map((id) => redis.hgetall(keys.job(id)) as Promise<Fields>));
  return {
    jobs: records.filter(({ id }) => id !== undefined).map(viewOf),
    next: found.length > limit ? (page.at(-1) ?? null) : null,
  };
}

/** Sends commands together, in one round trip; rejects when one of them fails. */
const allOf = <T>(commands: Promise<T>[]): Promise<T[]> => Promise.all(commands);

function matches({ state, labels, name, owner }: JobQuery, head: (string | null)[]): boolean {
  const [itsState, itsLabels, itsName, itsOwner] = head;
  if (!itsState || (state !== undefined && itsState !== state)) return false;
  if (name !== undefined && !itsName?.toLowerCase().includes(name.toLowerCase())) return false;
  if (owner !== undefined && itsOwner !== owner) return false;
  const own = JSON.parse(itsLabels ?? '{}') as Record<string, string>;
  return Object.entries(labels ?? {}).every(([key, value]) => Object.hasOwn(own, key) && own[key] === value);
}
