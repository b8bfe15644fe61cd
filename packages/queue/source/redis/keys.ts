import { type JobState, jobStates, sha256 } from '@distillery/spec';

/** The braces are a hash tag: all keys are in one slot of a Redis Cluster, so that a script may use several of them. */
export const defaultPrefix = '{distillery}';

/** @throws RangeError for a prefix whose keys a Cluster would spread over several slots */
export function requireHashTag(prefix: string): void {
  if (/^[^{]*\{[^}]+\}/.test(prefix)) return;
  throw new RangeError(
    `the prefix ${JSON.stringify(prefix)} has no hash tag, as in {name}: a Redis Cluster needs one to keep the keys of a job on one node`,
  );
}

/** The names of all keys. */
export function keysUnder(prefix: string) {
  return {
    prefix,
    /** Hash: the record of a job. */
    job: (id: string) => `${prefix}:job:${id}`,
    /** Hash: the spec as posted and as parsed, JSON. */
    spec: (id: string) => `${prefix}:job:${id}:spec`,
    /** Hash: stage → its result, JSON. */
    results: (id: string) => `${prefix}:job:${id}:results`,
    /** Stream of the stages of all metric rows, in the order of the rows. */
    metrics: (id: string) => `${prefix}:job:${id}:metrics`,
    /** Stream of the metric rows of a stage, under their ids in the stream above. */
    stageMetrics: (id: string, stage: string) => `${prefix}:job:${id}:metrics:${stage}`,
    /** Stream of events, bounded. */
    events: (id: string) => `${prefix}:job:${id}:events`,
    /** Stream of the events of all jobs, under the same ids, bounded. */
    allEvents: `${prefix}:events`,
    /** Sorted set of job ids, all with score 0: they sort by id, and ids by the time of their creation. */
    all: `${prefix}:jobs`,
    inState: (state: JobState) => `${prefix}:jobs:state:${state}`,
    withLabel: (name: string, value: string) => `${prefix}:jobs:label:${name}=${value}`,
    /** Sorted set of job ids, as `all`. */
    ownedBy: (owner: string) => `${prefix}:jobs:owner:${owner}`,
    /** Sorted set of job ids, as `all`. */
    ofProject: (project: string) => `${prefix}:jobs:project:${project}`,
    /** Sorted set of `<owner> <id>`, all with score 0: the jobs of owners that have not ended. */
    live: `${prefix}:jobs:live`,
    // BullMQ's own keys begin with the prefix and `stages:`.
    /** Sorted set of the jobs that have ended, by the time in ms when they did. */
    ended: `${prefix}:jobs:ended`,
    /** Sorted set, all with score 0: the stages that may be taken now, in the order of scripts/choose.ts. */
    ready: `${prefix}:work:ready`,
    /** Sorted set of the same members by the time in ms from which they may be taken: stages that have failed. */
    delayed: `${prefix}:work:delayed`,
    /** Hash: ticket → `<job> <stage> <what it requires, joined by commas, or -> <what it shares or -> <owner>`, for each stage that runs. */
    running: `${prefix}:work:running`,
    /** Hash: job → the work that its unfinished stages have left, see scripts/work-lists.ts. */
    backlog: `${prefix}:work:backlog`,
    /** Hash: `<kind>:before`, `<kind>:after`, `<kind>:perWork` → the measured pace of stages, in seconds. */
    pace: `${prefix}:work:pace`,
    /** Hash: what happened to stages and jobs, counted; scripts/counters.ts lists its fields. */
    counters: `${prefix}:work:counters`,
    /** Hash: owner → the number of the stage that was begun last for it; the field '' counts them. */
    served: `${prefix}:work:served`,
    /** Hash: `<project> <day since 1970>` → the seconds for which its stages that ended on that day have run. */
    usage: `${prefix}:projects:usage`,
    /** Set of the names of projects. */
    projects: `${prefix}:projects`,
    /** Hash: a project and its quotas. */
    project: (name: string) => `${prefix}:project:${name}`,
    /** Hash: digest of the body, id of the job. Neither an owner nor a key contains a space. */
    idempotency: (key: string, owner: string | undefined) =>
      `${prefix}:idempotency:${sha256(owner === undefined ? key : `${owner} ${key}`)}`,
    /** Sorted set of the ids of all sweeps, as `all`. */
    sweeps: `${prefix}:sweeps`,
    sweepsOf: (owner: string) => `${prefix}:sweeps:owner:${owner}`,
    /** Sorted set of `<owner or -> <id>`, all with score 0: the sweeps that have not ended. */
    sweepsLive: `${prefix}:sweeps:live`,
    /** Hash: a sweep, see scripts/sweeps.ts. */
    sweep: (id: string) => `${prefix}:sweep:${id}`,
    /** Set of key ids. */
    apiKeys: `${prefix}:apikeys`,
    /** Hash: an API key without its secret. */
    apiKey: (id: string) => `${prefix}:apikey:${id}`,
    /** Hash that expires: the session of a browser, by the SHA-256 of its token. */
    session: (digest: string) => `${prefix}:session:${digest}`,
    /** Number that expires: the requests of a client in this window. */
    requests: (client: string) => `${prefix}:requests:${client}`,
    /** Set of the ids of all webhooks. */
    webhooks: `${prefix}:webhooks`,
    /** Set of the ids of an owner's webhooks; of those that were created without keys. */
    webhooksOf: (owner: string | null) => `${prefix}:webhooks:owner:${owner ?? ''}`,
    /** Hash: a webhook, see scripts/webhooks.ts, which also names the keys below it. */
    webhook: (id: string) => `${prefix}:webhook:${id}`,
    /** Text: the last event that was passed to webhooks; absent while there is no webhook. */
    webhookCursor: `${prefix}:webhooks:cursor`,
    /** Sorted set of webhook ids by the time in ms of their next attempt, or of the end of a claim. */
    webhooksDue: `${prefix}:webhooks:due`,
    /** Hash that expires: what webhooks tell of a job that was deleted. */
    deletedJob: (id: string) => `${prefix}:webhooks:deleted:${id}`,
    /** Stream of audit entries of what was changed, bounded. */
    audit: `${prefix}:audit`,
    /** Stream of audit entries of what was refused, bounded. */
    refusals: `${prefix}:audit:refusals`,
    /** Set: artifacts of deleted jobs that other jobs may still need. */
    leftovers: `${prefix}:leftovers`,
    /** Set: those of `leftovers` that a collection has taken and not removed yet. */
    collecting: `${prefix}:leftovers:collecting`,
    /** Text that expires: the time in ms until which nothing is removed from the store. */
    hold: `${prefix}:hold`,
    /** Sorted set of the removals from the store that run, by the time in ms when they count as ended. */
    removals: `${prefix}:removals`,
    /** JSON: the report of the last scrub of the store. */
    scrub: `${prefix}:scrub`,
    /** Text that expires: the process that does a work which only one may do at a time. */
    lease: (work: string) => `${prefix}:lease:${work}`,
    /** Text that expires: the start of the scrub that runs. */
    scrubLease: `${prefix}:scrub:lease`,
    /** Text: the identity of the data in this Redis. */
    identity: `${prefix}:identity`,
    /** Sorted set of worker ids by the time of their last heartbeat. */
    workers: `${prefix}:workers`,
    /** JSON that expires: a worker that is alive. */
    worker: (id: string) => `${prefix}:worker:${id}`,
  };
}
export type Keys = ReturnType<typeof keysUnder>;

/** The keys that every script of a job gets, in the order in which scripts/prelude.ts names them. */
export function scriptKeys(keys: Keys, id: string): string[] {
  return [
    keys.job(id),
    keys.results(id),
    keys.metrics(id),
    keys.events(id),
    ...jobStates.map((state) => keys.inState(state)),
    keys.live,
    ...workKeys(keys),
    keys.backlog,
    keys.pace,
    keys.ended,
    keys.allEvents,
    keys.counters,
    keys.usage,
  ];
}

/** The keys of the stages that can be taken or run. */
export function workKeys(keys: Keys): string[] {
  return [keys.ready, keys.delayed, keys.running, keys.served];
}
