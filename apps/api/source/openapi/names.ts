import {
  analysisSchema,
  auditEntrySchema,
  checkpointSchema,
  curvesSchema,
  deliverySchema,
  datasetProfileSchema,
  engineInfoSchema,
  jobEventSchema,
  jobLogsSchema,
  jobSummarySchema,
  leaderboardEntrySchema,
  jobViewSchema,
  metricRowSchema,
  networkInputSchema,
  networkSchema,
  newDatasetSchema,
  newSweepSchema,
  newWebhookSchema,
  optimizerSchema,
  reportSchema,
  resetEventSchema,
  samplesSchema,
  scheduleSchema,
  stageNetworkSchema,
  stageViewSchema,
  storedDatasetSchema,
  sweepPlanSchema,
  sweepSummarySchema,
  sweepViewSchema,
  trainingSchemas,
  trialSchema,
  webhookChangeSchema,
  webhookPayloadSchema,
  webhookSchema,
  weightSchema,
} from '@distillery/spec';
import { z } from 'zod';
import { problemSchema } from '../problem.ts';
import type { Catalogue } from '../services.ts';

/** The schemas that are components of the OpenAPI description, by name. */
const namedSchemas = ({ jobSpec, planSchema, kinds }: Catalogue): Record<string, z.ZodType> => {
  const { training, override, augmentation } = trainingSchemas(kinds.transforms);
  return {
    JobSpec: jobSpec,
    Dataset: kinds.datasets.schema,
    Architecture: kinds.architectures.schema,
    Term: kinds.terms.schema,
    Weight: weightSchema,
    Training: training,
    TrainingOverride: override,
    Optimizer: optimizerSchema,
    Schedule: scheduleSchema,
    Augmentation: augmentation,
    Transform: kinds.transforms.schema,
    Plan: planSchema,
    Job: jobViewSchema,
    JobSummary: jobSummarySchema,
    Stage: stageViewSchema,
    StageNetwork: stageNetworkSchema,
    JobEvent: jobEventSchema,
    ResetEvent: resetEventSchema,
    MetricRow: metricRowSchema,
    JobLogs: jobLogsSchema,
    Curves: curvesSchema,
    Analysis: analysisSchema,
    Samples: samplesSchema,
    Checkpoint: checkpointSchema,
    Report: reportSchema,
    EngineInfo: engineInfoSchema,
    AuditEntry: auditEntrySchema,
    StoredDataset: storedDatasetSchema,
    NewDataset: newDatasetSchema,
    DatasetProfile: datasetProfileSchema,
    Network: networkSchema,
    NewNetwork: networkInputSchema,
    NewSweep: newSweepSchema,
    SweepPlan: sweepPlanSchema,
    Sweep: sweepViewSchema,
    SweepSummary: sweepSummarySchema,
    Trial: trialSchema,
    LeaderboardEntry: leaderboardEntrySchema,
    Webhook: webhookSchema,
    NewWebhook: newWebhookSchema,
    WebhookChange: webhookChangeSchema,
    WebhookPayload: webhookPayloadSchema,
    Delivery: deliverySchema,
    Problem: problemSchema,
  };
};

/**
 * Runs `describe` while these schemas have names. Names live in Zod's global registry, which also holds the descriptions;
 * they are removed again because the catalogues describe options in full, without references.
 */
export function withNames<Result>(catalogue: Catalogue, describe: () => Result): Result {
  const registry = z.globalRegistry;
  const before = new Map<z.ZodType, ReturnType<typeof registry.get>>();
  const set = (schema: z.ZodType, more: object) => {
    const meta = registry.get(schema);
    if (!before.has(schema)) before.set(schema, registry.has(schema) ? meta : undefined);
    registry.add(schema, { ...meta, ...more });
  };
  for (const [id, schema] of Object.entries(namedSchemas(catalogue))) set(schema, { id });
  set(stageViewSchema.shape.kind, { examples: [...catalogue.stageKinds] });
  try {
    return describe();
  } finally {
    for (const [schema, meta] of before) {
      registry.remove(schema);
      if (meta !== undefined) registry.add(schema, meta);
    }
  }
}
