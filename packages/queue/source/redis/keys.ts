import { type JobState, jobStates, sha256 } from '@distillery/spec';

/** The braces are a hash tag: all of our keys lie in one slot of a Redis Cluster, so that a script may touch several. */
export const defaultPrefix = '{distillery}';

/** @throws RangeError for a prefix whose keys a Cluster would scatter */
export function requireHashTag(prefix: string): void {
  if (/^[^{]*\{[^}]+\}/.test(prefix)) return;
  throw new RangeError(
    `the prefix ${JSON.stringify(prefix)} has no hash tag, as in {name}: on a Redis Cluster the keys of a job must lie together`,
  );
}

/** Names of the keys; nothing else in this package puts one together. */
export function keysUnder(prefix: string) {
  return {
    prefix,
    /** Hash: the record of a job. */
    job: (id: string) => `${prefix}:job:${id}`,
    /** Hash: the spec as posted and as parsed, JSON. */
    spec: (id: string) => `${prefix}:job:${id}:spec`,
    /** Hash: stage → its result, JSON. */
    results: (id: string) => `${prefix}:job:${id}:results`,
    /** Stream. */
    metrics: (id: string) => `${prefix}:job:${id}:metrics`,
    /** Stream. */
    events: (id: string) => `${prefix}:job:${id}:events`,
    /** Sorted set of ids, all with score 0: its order is that of the ids, which is that of their time. */
    all: `${prefix}:jobs`,
    inState: (state: JobState) => `${prefix}:jobs:state:${state}`,
    withLabel: (name: string, value: string) => `${prefix}:jobs:label:${name}=${value}`,
    /** Sorted set as above. */
    ownedBy: (owner: string) => `${prefix}:jobs:owner:${owner}`,
    /** Sorted set of `<owner> <id>`, all with score 0: the jobs of owners that have not ended. */
    live: `${prefix}:jobs:live`,
    /** Hash: digest of the body, id of the job. Neither an owner nor a key holds a space. */
    idempotency: (key: string, owner: string | undefined) =>
      `${prefix}:idempotency:${sha256(owner === undefined ? key : `${owner} ${key}`)}`,
    /** Set of ids. */
    apiKeys: `${prefix}:apikeys`,
    /** Hash. */
    apiKey: (id: string) => `${prefix}:apikey:${id}`,
    /** Number that expires. */
    requests: (who: string) => `${prefix}:requests:${who}`,
    /** Stream. */
    audit: `${prefix}:audit`,
    /** Set: what deleted jobs have left in the store, as long as others may need it. */
    leftovers: `${prefix}:leftovers`,
    /** Sorted set of worker ids by the time of their last sign of life. */
    workers: `${prefix}:workers`,
    /** JSON that expires. */
    worker: (id: string) => `${prefix}:worker:${id}`,
  };
}
export type Keys = ReturnType<typeof keysUnder>;

/** The keys that every script of a job is given, in the order that scripts/prelude.ts names them. */
export function scriptKeys(keys: Keys, id: string): string[] {
  return [
    keys.job(id),
    keys.results(id),
    keys.metrics(id),
    keys.events(id),
    ...jobStates.map((state) => keys.inState(state)),
    keys.live,
  ];
}
