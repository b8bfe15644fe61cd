export type {
  Analysis,
  ApiKeyView,
  AuditEntry,
  CatalogueEntry,
  Checkpoint,
  CreatedApiKey,
  CreatedWebhook,
  Curves,
  DatasetProfile,
  Delivery,
  FieldError,
  Hold,
  JobEvent,
  JobSpecInput,
  JobState,
  JobSummary,
  JobView,
  LeaderboardEntry,
  MetricRow,
  Network,
  NetworkInput,
  NewApiKeyInput,
  NewDatasetInput,
  NewProjectInput,
  NewSweepInput,
  NewWebhookInput,
  Plan,
  Project,
  ProjectQuotaChange,
  ProjectView,
  RecordedLine,
  Report,
  Samples,
  ScrubReport,
  SessionView,
  StageView,
  StoredDataset,
  StreamEvent,
  SweepPlan,
  SweepReport,
  SweepSummary,
  SweepView,
  TrialView,
  Upload,
  WebhookChange,
  WebhookEvent,
  WebhookPayload,
  WebhookView,
  WorkersView,
} from '@distillery/spec';
export { ApiError } from './api-error.ts';
export { type Client, createClient } from './client.ts';
export { ConnectionError } from './connection-error.ts';
export { DigestError, type Download, type DownloadOptions } from './download.ts';
export type { FollowOptions } from './events.ts';
export type { Listing } from './listing.ts';
export type { AddOptions, DatasetDescription, FetchOptions } from './resources/datasets.ts';
export type { AuditPage } from './resources/audit.ts';
export type {
  BundleChoice,
  CurvesQuery,
  JobFilter,
  JobPage,
  LogsQuery,
  MetricsPage,
  MetricsQuery,
  SamplesQuery,
  StagePage,
  WeightsChoice,
} from './resources/jobs.ts';
export type { SweepFilter, SweepPage, WatchSweepOptions } from './resources/sweeps.ts';
export type { SweepChoice } from './resources/store.ts';
export type { DeliveryFilter, DeliveryPage } from './resources/webhooks.ts';
export type { UploadOptions } from './send-file.ts';
export type { CallOptions, ClientOptions } from './transport.ts';
export type { WatchOptions } from './watch.ts';
