export { similarTo } from './configuration/similar-name.ts';
export {
  type AuditEntry,
  allows,
  auditEntrySchema,
  ownerOf,
  ownerSchema,
  projectNameSchema,
  projectOf,
  type Scope,
  scopes,
} from './access.ts';
export {
  type Analysis,
  analysisSchema,
  type CalibrationBin,
  type PredictionAnalysis,
  predictionAnalysisSchema,
} from './analysis.ts';
export { type BestStudent, bestStudentOf, bestStudentSchema } from './best-student.ts';
export {
  type ApiKeyView,
  apiKeySchema,
  type CreatedApiKey,
  createdApiKeySchema,
  type NewApiKeyInput,
  newApiKeySchema,
  type SessionView,
  sessionViewSchema,
} from './session.ts';
export {
  type RunningStage,
  type WorkersView,
  type WorkerView,
  workersViewSchema,
} from './workers.ts';
export {
  type NewProjectInput,
  newProjectSchema,
  type Project,
  type ProjectQuota,
  type ProjectQuotaChange,
  projectQuotaChangeSchema,
  projectSchema,
  type ProjectUse,
  type ProjectView,
  projectViewSchema,
} from './project.ts';
export { type Hold, holdSchema } from './hold.ts';
export { type SweepReport, sweepReportSchema } from './store-sweep.ts';
export {
  type Domain,
  domainSchema,
  isSweepOver,
  type LeaderboardEntry,
  leaderboardEntrySchema,
  maxTrials,
  type NewSweep,
  type NewSweepInput,
  newSweepSchema,
  type RunScores,
  type Search,
  type SweepEstimate,
  type SweepPlan,
  type SweepRecord,
  type SweepState,
  type SweepSummary,
  type SweepView,
  sweepPlanSchema,
  sweepStates,
  sweepSummarySchema,
  sweepViewSchema,
  type TrialRecord,
  type TrialRun,
  type TrialRung,
  type TrialState,
  type TrialView,
  trialSchema,
  trialStates,
} from './sweeps/index.ts';
export { type Curve, type Curves, curvesSchema } from './curves.ts';
export { requirementsOfResources, type Resources } from './resources.ts';
export { missingIn, requirementInWords, unmet } from './capabilities.ts';
export {
  type Demand,
  demandOf,
  type DemandState,
  demandStates,
  type DemandView,
  demandViewSchema,
  requirementName,
} from './demand.ts';
export { canonicalJson, digestOf, sha256 } from './digest.ts';
export { maxScrubFindings, type ScrubFinding, type ScrubReport, scrubReportSchema } from './scrub.ts';
export {
  type GraphNode,
  type GraphOperation,
  type NetworkGraph,
  networkGraphSchema,
  nodesBefore,
  type NodeOf,
  parseNetworkGraph,
  shapeOfValue,
} from './network-graph.ts';
export {
  type DescribedNetwork,
  type Network,
  type NetworkInput,
  networkInputSchema,
  networkSchema,
} from './network.ts';
export { LostArtifacts } from './lost-artifacts.ts';
export { asDistilleryError, DistilleryError, type ErrorCode, errorTable, type FieldError } from './errors.ts';
export {
  type JobEvent,
  jobEventSchema,
  type LogLine,
  logLevels,
  type ResetEvent,
  resetEventSchema,
  type SavedCheckpoint,
  type StreamEvent,
} from './events.ts';
export {
  type Checkpoint,
  checkpointSchema,
  type JobPlan,
  type JobSummary,
  jobSummarySchema,
  type JobView,
  jobViewSchema,
  type MetricRow,
  metricRowSchema,
  type Reason,
  type StagePlan,
  type StageProgress,
  type StageView,
  stageNetworkSchema,
  stageViewSchema,
  type StageNetworkView,
  type WaitingFor,
} from './job.ts';
export {
  type JobSpec,
  type JobSpecInput,
  jobSpecSchema,
  type Kinds,
  validationOf,
  validationSchema,
} from './job-spec.ts';
export { type Initial, initialSchema } from './initial.ts';
export { networkId, weightsDigest } from './stored-weights.ts';
export { type CatalogueEntry, type Choice, type Kind, type Registry, registry } from './kind.ts';
export { defaultGenerations, generationName, teachersOf } from './lineage.ts';
export { type JobLogs, jobLogsSchema, type RecordedLine } from './logs.ts';
export { type Pace, type Paces, paceOf, stageSeconds } from './pace.ts';
export { type Plan, planSchema } from './plan.ts';
export { fieldErrors, presentable, refusedInput } from './problem.ts';
export {
  type EngineInfo,
  engineInfoSchema,
  type NetworkResult,
  networkResultSchema,
  type Report,
  reportSchema,
  type Score,
  scoreSchema,
  type Spread,
  type TermResult,
} from './report.ts';
export { isTerminal, type JobState, jobStates, type StageState, stageStates } from './states.ts';
export { type Samples, samplesSchema } from './samples.ts';
export { spreadOf } from './spread.ts';
export {
  type Scheduled,
  scheduled,
  schedulesOf,
  valueAt,
  type Weight,
  weightRange,
  weightSchema,
} from './scheduled.ts';
export {
  type Augmentation,
  type Optimizer,
  optimizerSchema,
  type Schedule,
  scheduleSchema,
  type Training,
  trainingSchemas,
} from './training.ts';
export {
  type JobWarning,
  maxSkippedData,
  maxSkippedNames,
  maxWarnings,
  type SkippedData,
} from './warning.ts';
export {
  type DatasetProfile,
  datasetProfileSchema,
  datasetProblemSchema,
  type KeptDataset,
  keptDatasetSchema,
  type NewDataset,
  type NewDatasetInput,
  newDatasetSchema,
  type ProfileResult,
  profileResultSchema,
  type StoredDataset,
  storedDatasetSchema,
} from './stored-dataset.ts';
export { shownUrl } from './shown-url.ts';
export { type Upload, uploadSchema } from './upload.ts';
export {
  asksFor,
  type CreatedWebhook,
  createdWebhookSchema,
  type Delivery,
  type DeliveryAttempt,
  deliverySchema,
  type NewWebhook,
  type NewWebhookInput,
  newWebhookSchema,
  type WebhookChange,
  type WebhookEvent,
  type WebhookPayload,
  type WebhookSecret,
  type WebhookView,
  webhookChangeSchema,
  webhookEvents,
  webhookIdSchema,
  webhookPayloadSchema,
  webhookSchema,
  webhookSecretSchema,
  webhookTypeOf,
} from './webhooks.ts';
