import { z } from 'zod';
import { jobWarningSchema, skippedDataSchema } from './warning.ts';

/** The public truth of a job, as `GET /v1/jobs/:id` shows it. BullMQ's own states are never shown. */

export const jobStates = [
  'queued',
  'running',
  /** Asked to pause; its trainers commit their checkpoints. */
  'pausing',
  'paused',
  /** Asked to end; its trainers commit their checkpoints. */
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof jobStates)[number];

export const stageStates = ['waiting', 'queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type StageState = (typeof stageStates)[number];

export function isTerminal(state: JobState | StageState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

/** One node of a job's graph, as it is planned when the job is accepted. */
export interface StagePlan {
  /**
   * `teacher` or `teacher.<name>`; `outputs`, `outputs.<teacher>` or `outputs.<student>.<seed>`;
   * `auxiliary.<key>` or `auxiliary.<key>.<seed>`; `student.<name>.<seed>`; `mutual.<seed>`; `report`
   */
  id: string;
  /** Names the stage kind that runs it and reads its input. */
  kind: string;
  /** Stages that must have succeeded before. */
  needs: string[];
  /** Its share of the job's work, for progress and ETA; any unit, the same for all stages. */
  work: number;
  /** JSON that the kind's own schema checks: what to train, and which stages' results to read. */
  input: Record<string, unknown>;
  /** For people: the network that it trains or whose outputs it stores. */
  network?: string;
  /** For people: the seed of that network, or of all networks that it trains together. */
  seed?: number;
}

/** A job's stages with the version of the code that planned them, as the job's record keeps them. */
export interface JobPlan {
  /** Rises whenever a stage's input or result changes its meaning. */
  version: number;
  /** The version of Distillery that made the plan. */
  distillery: string;
  /** Each stage comes after those that it needs. */
  stages: StagePlan[];
}

const time = z.iso.datetime().nullable();

export const reasonSchema = z.object({
  code: z.string(),
  message: z.string(),
  stage: z.string().optional(),
});
/** Why a job or a stage failed. */
export type Reason = z.output<typeof reasonSchema>;

export const stageProgressSchema = z.object({
  phase: z.string().describe('what the trainer is doing: loading, training, evaluating, storing'),
  epoch: z.number().int().describe('completed epochs'),
  epochs: z.number().int(),
  step: z.number().int().describe('completed steps over all epochs'),
  steps: z.number().int(),
  loss: z.number().nullable(),
  samplesPerSecond: z.number().nullable(),
  fraction: z.number().min(0).max(1),
});
export type StageProgress = z.output<typeof stageProgressSchema>;

export const stageViewSchema = z.object({
  id: z.string(),
  kind: z.string().describe('What the stage does. New versions may add kinds.'),
  network: z
    .string()
    .nullable()
    .describe(
      'The network that the stage trains, or whose outputs it stores; null for several networks or none.',
    ),
  seed: z
    .number()
    .int()
    .nullable()
    .describe("The seed of a student's run; null for stages that all seeds share."),
  state: z.enum(stageStates),
  needs: z.array(z.string()),
  attempt: z.number().int().describe('how often it was picked up; 0: not yet'),
  worker: z.string().nullable(),
  startedAt: time,
  finishedAt: time,
  progress: stageProgressSchema.nullable(),
  reason: reasonSchema.nullable(),
});
export type StageView = z.output<typeof stageViewSchema>;

export const jobViewSchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  owner: z.string().nullable().describe('the name of the API key that submitted it; null: keys were off'),
  state: z.enum(jobStates),
  priority: z.number().int(),
  phase: z.string().nullable().describe('the stages that run now'),
  progress: z.number().min(0).max(100).describe('percent of the work'),
  etaSeconds: z.number().nullable(),
  reason: reasonSchema.nullable(),
  createdAt: z.iso.datetime(),
  startedAt: time,
  finishedAt: time,
  warnings: z
    .array(jobWarningSchema)
    .describe(
      'What people should know of the job and what stopped nothing, oldest first: the first 100 different warnings.',
    ),
  skippedData: z
    .array(skippedDataSchema)
    .describe(
      'The samples that could not be read and were left out, one entry for each data set of the job.',
    ),
  stages: z.array(stageViewSchema),
});
export type JobView = z.output<typeof jobViewSchema>;

export const metricRowSchema = z.object({
  stage: z.string(),
  attempt: z.number().int(),
  epoch: z.number().int().describe('counted from 1; 0 is before the first'),
  step: z.number().int().describe('over all epochs, counted from 1; 0 is before the first'),
  time: z.iso.datetime(),
  values: z.record(z.string(), z.number().nullable()).describe('null: not a finite number'),
});
/** One line of a training curve. */
export type MetricRow = z.output<typeof metricRowSchema>;

export const checkpointSchema = z.object({
  stage: z.string(),
  network: z.string().describe("a teacher's or a student's name"),
  seed: z.number().int().nullable().describe("a student's; null for a teacher"),
  checkpoint: z.enum(['best', 'last']),
  epoch: z.number().int(),
  format: z
    .string()
    .describe('The format in which the weights are stored. A download may ask for another one.'),
  digest: z.string(),
  size: z.number().int(),
});
export type Checkpoint = z.output<typeof checkpointSchema>;
