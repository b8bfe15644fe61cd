import type { Demand, WorkersView } from '@distillery/spec';
import { defaultOf } from '@distillery/spec/configuration';
import { type ApiKeys, apiKeys } from './records/api-keys.ts';
import { type Audit, auditLog } from './records/audit.ts';
import { type Fence, fence } from './records/attempts.ts';
import { connect, guarded, type OnOutage, patient, settled, withoutCommand } from './redis/connection.ts';
import { type JobControl, jobControl } from './records/control.ts';
import { type Counters, counterReader } from './records/counters.ts';
import { type Deliveries, deliveryRecords } from './records/deliveries.ts';
import { type ConsumeOptions, type Consumer, consumeStages, type StageHandler } from './bull/consume.ts';
import { checkDurability } from './redis/durability.ts';
import { demandReader } from './records/demand.ts';
import { type EndedJobs, endedJobs } from './records/ended.ts';
import { eventLog } from './records/events.ts';
import { eventFollowers } from './records/follow.ts';
import { type StoreHold, storeHold } from './records/hold.ts';
import { type InProgress, inProgressReader } from './records/in-progress.ts';
import { type Inventory, inventory } from './records/inventory.ts';
import { type Jobs, jobRecords } from './records/jobs.ts';
import { defaultPrefix, keysUnder, requireHashTag } from './redis/keys.ts';
import { type Leases, leases } from './records/leases.ts';
import { logReader } from './records/log-lines.ts';
import { type Metrics, metricLog } from './records/metrics.ts';
import { type SessionLifetime, type Sessions, sessions } from './records/sessions.ts';
import { type ScrubReports, scrubReports } from './records/scrub-report.ts';
import { type Projects, projectRecords } from './records/projects.ts';
import { parseRedisUrl } from './redis/redis-url.ts';
import { type RequestCounts, requestCounts } from './records/request-counts.ts';
import { type StageQueue, stageQueue } from './bull/stages.ts';
import { type Standing, standingReader } from './records/standing.ts';
import { type Webhooks, webhookRecords } from './records/webhooks.ts';
import { webhookEvents } from './records/webhook-events.ts';
import { type Sweeps, sweepRecords } from './records/sweeps.ts';
import { type Workers, workerRegistry } from './records/workers.ts';
import { workloadReader } from './records/workload.ts';

export interface QueueOptions {
  /** `redis://`, `redis+sentinel://`, `redis+cluster://`, or these with `rediss`: see redis/redis-url.ts. */
  url: string;
  /** The prefix of every key, default `{distillery}`; a Cluster needs a hash tag in it. */
  prefix?: string;
  /** Default `fail`: a command fails with `redis_unavailable` at once. Workers use `wait`. */
  onOutage?: OnOutage;
  /** Called for every connection that fails, again and again while Redis is away. */
  onError?: (error: Error) => void;
  /** The most rows of metrics that each stage keeps, approximately; default: that of the setting RETAIN_METRICS. */
  metricRows?: number | undefined;
  /** The most changes that the audit log keeps, approximately; default: that of the setting RETAIN_AUDIT. */
  auditEntries?: number | undefined;
  /** Default: that of the settings SESSION_DAYS and SESSION_IDLE_HOURS. */
  sessions?: SessionLifetime | undefined;
}

/** The work of all jobs: offering stages to workers, and running them. */
export type Stages = Pick<StageQueue, 'offer' | 'reconcile'> & {
  /** Takes stages and passes them to a handler, until closed. */
  consume(handler: StageHandler, options: ConsumeOptions): Promise<Consumer>;
};

export type Events = ReturnType<typeof eventLog> &
  Omit<ReturnType<typeof eventFollowers>, 'close'> & {
    /** Reads the log lines among the events of a job. */
    logs: ReturnType<typeof logReader>;
  };

export interface DistilleryQueue {
  jobs: Jobs;
  control: JobControl;
  attempts: Fence;
  metrics: Metrics;
  /** The logs of what happens to jobs. */
  events: Events;
  stages: Stages;
  ended: EndedJobs;
  inventory: Inventory;
  leases: Leases;
  hold: StoreHold;
  projects: Projects;
  sweeps: Sweeps;
  scrubs: ScrubReports;
  workers: Workers;
  /** What the service has to do, and with what; read at most once a second. */
  standing(): Promise<Standing>;
  /** The workers that are alive, what they run, and what waits: of all, or of the jobs of a project. */
  workload(project?: string): Promise<WorkersView>;
  /** The stages that ask for a worker or have one, by what they require. */
  demand(): Promise<Demand[]>;
  /** The work of all jobs that have not ended. */
  inProgress(): Promise<InProgress>;
  /** What happened to stages and jobs, counted. */
  counters(): Promise<Counters>;
  apiKeys: ApiKeys;
  /** The sessions of browsers. */
  sessions: Sessions;
  requests: RequestCounts;
  audit: Audit;
  webhooks: Webhooks & {
    deliveries: Deliveries;
    /**
     * Passes what happens to jobs to the deliveries of webhooks, until the signal aborts. Several processes may do so.
     *
     * @param onPassed is called after each part of the log, which may have added deliveries
     */
    passEvents(signal: AbortSignal, onPassed?: () => void): Promise<void>;
  };
  /** Resolves when Redis answers. @throws DistilleryError `redis_unavailable` */
  ping(): Promise<void>;
  /** @throws DistilleryError `redis_unavailable` when Redis may lose data */
  checkDurability(): Promise<void>;
  /** Hands back the stages in hand and closes every connection. */
  close(): Promise<void>;
}

/**
 * Opens the queue, also while Redis is away: the connection is made as soon as Redis is back.
 *
 * @throws RangeError for an invalid URL, or a prefix without the hash tag that a Cluster needs
 */
export async function openQueue(options: QueueOptions): Promise<DistilleryQueue> {
  const {
    url,
    onOutage = 'fail',
    prefix = defaultPrefix,
    metricRows = defaultOf('retainMetrics'),
    auditEntries = defaultOf('retainAudit'),
    sessions: lifetime = { days: defaultOf('sessionDays'), idleHours: defaultOf('sessionIdleHours') },
  } = options;
  const onError = (error: Error) => options.onError?.(withoutCommand(error));
  if (parseRedisUrl(url).kind === 'cluster') requireHashTag(prefix);
  const keys = keysUnder(prefix);
  const redis = connect(url, onOutage, onError);
  await settled(redis, 2000);
  const closing = new AbortController();
  const persist = onOutage === 'wait' ? patient(closing.signal, onError) : guarded;
  const attempts = fence(redis, keys, persist, metricRows);
  const stages = stageQueue(redis, keys, onError);
  const consumers = new Set<Consumer>();
  const workers = workerRegistry(redis, keys);
  const accessKeys = apiKeys(redis, keys);
  const standing = standingReader(redis, keys, workers);
  const jobs = jobRecords(redis, keys, standing);
  const { close: closeFollowers, ...followers } = eventFollowers(
    redis,
    keys,
    () => connect(url, 'fail', onError),
    onError,
  );
  return {
    jobs,
    control: jobControl(redis, keys, jobs, stages),
    attempts,
    metrics: metricLog(redis, keys),
    events: { ...eventLog(redis, keys), ...followers, logs: logReader(redis, keys) },
    stages: {
      offer: stages.offer,
      reconcile: stages.reconcile,
      async consume(handler, consumeOptions) {
        if (onOutage !== 'wait')
          throw new RangeError("a consumer needs a queue that is opened with onOutage: 'wait'");
        const consumer = await consumeStages(
          {
            redis,
            keys,
            attempts,
            stages: { ...stages, offer: persist(stages.offer), choose: persist(stages.choose) },
            onError,
          },
          handler,
          consumeOptions,
        );
        consumers.add(consumer);
        return consumer;
      },
    },
    ended: endedJobs(redis, keys),
    inventory: inventory(redis, keys),
    leases: leases(redis, keys),
    hold: storeHold(redis, keys),
    projects: projectRecords(redis, keys),
    sweeps: sweepRecords(redis, keys),
    scrubs: scrubReports(redis, keys),
    workers,
    standing: guarded(standing),
    workload: workloadReader(redis, keys, workers),
    demand: demandReader(redis, keys),
    inProgress: inProgressReader(redis, keys),
    counters: counterReader(redis, keys),
    apiKeys: accessKeys,
    sessions: sessions(redis, keys, accessKeys, lifetime),
    requests: requestCounts(redis, keys),
    audit: auditLog(redis, keys, auditEntries),
    webhooks: {
      ...webhookRecords(redis, keys),
      deliveries: deliveryRecords(redis, keys),
      passEvents: webhookEvents(redis, keys, followers.followAll, onError).run,
    },
    ping: guarded(async () => {
      await redis.exists(keys.all);
    }),
    checkDurability: checkDurability(redis),
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      await stages.close();
      await closeFollowers();
      closing.abort();
      redis.disconnect();
    },
  };
}
