import { type JobState, type JobSummary, projectOf } from '@distillery/spec';
import type { Client } from '../redis/connection.ts';
import { type Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';
import { type Fields, summaryFields, summaryOf } from './record.ts';

export interface JobQuery {
  state?: JobState | undefined;
  /** The job must have all of these labels with these values. */
  labels?: Record<string, string> | undefined;
  owner?: string | undefined;
  /** Jobs of the owners of this project. */
  project?: string | undefined;
  /** Part of the name, in any case. */
  name?: string | undefined;
  /** 1 to 100, default 20. */
  limit?: number | undefined;
  /** `next` of the page before. */
  after?: string | undefined;
}

export interface JobPage {
  jobs: JobSummary[];
  /** Null on the last page. */
  next: string | null;
}

/** How many jobs are looked at in one go. */
const chunk = 1000;

/**
 * What a search needs of the next jobs of an index, in one reply: commands for each job would take ten times as long.
 *
 * KEYS: index. ARGV: where to begin, how many jobs, what the keys of all jobs begin with. Returns id, state, labels, name
 * and owner of each.
 */
const headsScript = script(`
local heads = {}
for _, id in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], '-', 'LIMIT', 0, ARGV[2])) do
  local head = redis.call('HMGET', ARGV[3] .. id, 'state', 'labels', 'name', 'owner')
  table.insert(heads, {id, head[1], head[2], head[3], head[4]})
end
return heads
`);
type Head = [
  id: string,
  state: string | null,
  labels: string | null,
  name: string | null,
  owner: string | null,
];

/** Reads the most selective index that the query allows, and checks the other conditions on the records. */
export async function listJobs(redis: Client, keys: Keys, query: JobQuery): Promise<JobPage> {
  const limit = Math.min(100, Math.max(1, query.limit ?? 20));
  const { index, complete } = indexOf(keys, query);
  const found: string[] = [];
  let from = query.after === undefined ? '+' : `(${query.after}`;
  while (found.length <= limit) {
    const count = complete ? limit + 1 : chunk;
    const heads = (await run(redis, headsScript, [index], [from, count, keys.job('')])) as Head[];
    for (const head of heads) if (matches(query, head)) found.push(head[0]);
    if (heads.length < count) break;
    from = `(${heads[heads.length - 1][0]}`;
  }
  const page = found.slice(0, limit);
  const records = await Promise.all(page.map((id) => recordOf(redis, keys.job(id))));
  return {
    jobs: records.filter(({ id }) => id !== undefined).map(summaryOf),
    next: found.length > limit ? (page.at(-1) ?? null) : null,
  };
}

/** The index to search, and whether every job in it matches. */
function indexOf(
  keys: Keys,
  { state, labels, owner, project, name }: JobQuery,
): { index: string; complete: boolean } {
  const [label, ...others] = Object.entries(labels ?? {});
  const conditions = [label, ...others, state, owner, project, name].filter(
    (one) => one !== undefined,
  ).length;
  const index =
    label !== undefined
      ? keys.withLabel(...label)
      : owner !== undefined
        ? keys.ownedBy(owner)
        : project !== undefined
          ? keys.ofProject(project)
          : state === undefined
            ? keys.all
            : keys.inState(state);
  return { index, complete: conditions === (index === keys.all ? 0 : 1) };
}

/** What a summary shows of a record. An earlier version of Distillery has not counted the stages; they are read then. */
async function recordOf(redis: Client, key: string): Promise<Fields> {
  const values = await redis.hmget(key, ...summaryFields);
  if (values[summaryFields.indexOf('counts')] === null) return redis.hgetall(key);
  const pairs = summaryFields.flatMap((name, i) => {
    const value = values[i];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  return Object.fromEntries(pairs) as Fields;
}

function matches({ state, labels, name, owner, project }: JobQuery, head: Head): boolean {
  const [, itsState, itsLabels, itsName, itsOwner] = head;
  if (!itsState || (state !== undefined && itsState !== state)) return false;
  if (name !== undefined && !itsName?.toLowerCase().includes(name.toLowerCase())) return false;
  if (owner !== undefined && itsOwner !== owner) return false;
  if (project !== undefined && projectOf(itsOwner) !== project) return false;
  if (labels === undefined) return true;
  const own = JSON.parse(itsLabels ?? '{}') as Record<string, string>;
  return Object.entries(labels).every(([key, value]) => Object.hasOwn(own, key) && own[key] === value);
}
