export type { ApiKey, ApiKeys, NewApiKey } from './records/api-keys.ts';
export type { Audit, AuditPage, NewAuditEntry } from './records/audit.ts';
export type { JobControl } from './records/control.ts';
export type { Counters, Durations } from './records/counters.ts';
export { durationBounds } from './scripts/counters.ts';
export type { Attempt, Begun, Fence, NewMetricRow, NewSkippedData } from './records/attempts.ts';
export type { OnOutage } from './redis/connection.ts';
export type { ConsumeOptions, Consumer, StageHandler } from './bull/consume.ts';
export type { StageRun } from './bull/stage-run.ts';
export type {
  ClaimedDelivery,
  Deliveries,
  DeliveryHead,
  DeliveryQuery,
  Outcome,
} from './records/deliveries.ts';
export type { EndedJobs, Retention } from './records/ended.ts';
export type { Followed, Following } from './records/follow.ts';
export { type Projects, quotaError } from './records/projects.ts';
export type { StoreHold } from './records/hold.ts';
export { timeOfJobId } from './records/job-id.ts';
export type { InProgress } from './records/in-progress.ts';
export type { Inventory, JobHead } from './records/inventory.ts';
export type { Idempotency, JobHeader, JobNow, Jobs, NewJob, Owner } from './records/jobs.ts';
export type { JobPage, JobQuery } from './records/list.ts';
export { isWantedLine, type LogFilter, type LogQuery } from './records/log-lines.ts';
export type { CurveRow, MetricPage, MetricQuery, Metrics } from './records/metrics.ts';
export { type DistilleryQueue, type Events, openQueue, type QueueOptions, type Stages } from './open.ts';
export { runningRedis } from './redis/folder-lock.ts';
export { type PrivateRedis, startPrivateRedis } from './redis/private-redis.ts';
export { idBefore } from './redis/stream.ts';
export { scrub } from './redis/scrub.ts';
export type { RequestCount, RequestCounts } from './records/request-counts.ts';
export type { SessionLifetime, Sessions } from './records/sessions.ts';
export type { Standing } from './records/standing.ts';
export type { NewSweepRecord, SweepChange, SweepQuery, Sweeps } from './records/sweeps.ts';
export type { WebhookOwner, Webhooks, WebhookTarget } from './records/webhooks.ts';
export { capabilitiesOf } from './records/workers.ts';
export type { LiveWorker, Registration, WorkerInfo, WorkerLoad, Workers } from './records/workers.ts';
