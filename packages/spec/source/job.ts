import { z } from 'zod';
import { jobStates, type StageState, stageStates } from './states.ts';
import { bestStudentSchema } from './best-student.ts';
import { jobWarningSchema, skippedDataSchema } from './warning.ts';

/** A job as `GET /v1/jobs/:id` shows it. BullMQ's states are never shown. */

export const stageNetworkSchema = z.object({
  name: z.string().describe('The name of a teacher, a student, a control or an auxiliary network.'),
  control: z
    .string()
    .nullable()
    .describe(
      'The control that a student is compared with; null for other networks, and without a baseline.',
    ),
});
/** A network that a stage trains, or whose outputs it stores, as the view of a job shows it. */
export type StageNetworkView = z.output<typeof stageNetworkSchema>;

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
  /** The estimated seconds when it was planned; absent: unknown. */
  seconds?: number;
  /** What only some workers are capable of, such as `bfloat16`. */
  requires?: string[];
  /** Identifies a result that other jobs reuse. While one stage makes it, other stages that would make it wait. */
  shares?: string;
  /** JSON that the kind's own schema checks: what to train, and which stages' results to read. */
  input: Record<string, unknown>;
  /** For people: the networks that it trains, or the one whose outputs it stores. */
  networks?: StageNetworkView[];
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
  code: z.string().describe('The code of the error, as in the table of errors.'),
  message: z.string().describe('The error as a sentence for people.'),
  stage: z.string().optional().describe('The id of the stage that failed.'),
});
/** Why a job or a stage failed. */
export type Reason = z.output<typeof reasonSchema>;

export const stageProgressSchema = z.object({
  phase: z.string().describe('What the trainer does: loading, training, evaluating or storing.'),
  epoch: z.number().int().describe('How many epochs are completed.'),
  epochs: z.number().int().describe('How many epochs there are; 0 for a phase without steps.'),
  step: z.number().int().describe('How many optimizer steps are completed, over all epochs.'),
  steps: z.number().int().describe('How many optimizer steps there are, over all epochs.'),
  loss: z.number().nullable().describe('The mean loss of the latest steps; null while there is none.'),
  samplesPerSecond: z.number().nullable().describe('The speed of training; null while it is not measured.'),
  fraction: z.number().min(0).max(1).describe('The share of the stage that is done, 0 to 1.'),
});
export type StageProgress = z.output<typeof stageProgressSchema>;

/** What a stage that has not begun, or a job of which no stage runs, waits for. */
const waitingForSchema = z
  .enum(['stages', 'turn', 'worker', 'capability'])
  .nullable()
  .describe(
    '`stages`: other stages of the job. `turn`: all workers are busy with stages whose turn came first. `worker`: no worker runs. `capability`: no running worker supports what it requires, such as bfloat16 or a GPU: `missing` has it. Null when it waits for none of these.',
  );
export type WaitingFor = z.output<typeof waitingForSchema>;

const missingSchema = z
  .array(z.string())
  .describe(
    'With `capability`: what it requires and the most capable running worker lacks, such as `gpu`, `gpuMemory>=17179869184` (bytes) or `label:a100`. Empty otherwise.',
  );

export const stageViewSchema = z.object({
  id: z.string().describe('The id of the stage, unique in its job.'),
  kind: z.string().describe('What the stage does. New versions may add kinds.'),
  networks: z
    .array(stageNetworkSchema)
    .describe(
      'The networks that the stage trains, or the one whose outputs it stores. Students that teach each other share a stage; a report has none.',
    ),
  seed: z
    .number()
    .int()
    .nullable()
    .describe("The seed of a student's run; null for stages that all seeds share."),
  state: z.enum(stageStates).describe('The state of the stage.'),
  waitingFor: waitingForSchema,
  missing: missingSchema,
  needs: z.array(z.string()).describe('The ids of the stages that must have succeeded before.'),
  attempt: z.number().int().describe('How many times a worker took the stage; 0 before the first time.'),
  worker: z.string().nullable().describe('The worker of the latest attempt.'),
  startedAt: time,
  finishedAt: time,
  progress: stageProgressSchema.nullable(),
  reason: reasonSchema.nullable(),
});
export type StageView = z.output<typeof stageViewSchema>;

export const jobViewSchema = z.object({
  id: z.string().describe('The id of the job; ids sort by the time of submission.'),
  name: z.string().nullable().describe('The name from the spec.'),
  labels: z.record(z.string(), z.string()).describe('The labels from the spec.'),
  owner: z
    .string()
    .nullable()
    .describe('The name of the API key that submitted the job; null if keys were off.'),
  state: z.enum(jobStates).describe('The state of the job.'),
  priority: z.number().int().describe('The priority from the spec; stages of a higher one are taken first.'),
  phase: z.string().nullable().describe('The ids of the stages that run now, joined by commas.'),
  waitingFor: waitingForSchema,
  missing: missingSchema,
  progress: z
    .number()
    .min(0)
    .max(100)
    .describe(
      'The percentage of the estimated time that is done, by the largest progress of each stage; 100 once the job has succeeded.',
    ),
  etaSeconds: z
    .number()
    .nullable()
    .describe(
      'The estimated seconds until the job ends, with the wait for its turn; null while no speed is known, no worker runs, or the job is neither queued nor running.',
    ),
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

const count = z.number().int().min(0);
const stageCounts = Object.fromEntries(stageStates.map((state) => [state, count])) as Record<
  StageState,
  typeof count
>;

/** A job as `GET /v1/jobs` lists it. */
export const jobSummarySchema = jobViewSchema
  .pick({
    id: true,
    name: true,
    labels: true,
    owner: true,
    state: true,
    priority: true,
    progress: true,
    reason: true,
    createdAt: true,
    startedAt: true,
    finishedAt: true,
  })
  .extend({
    best: bestStudentSchema
      .nullable()
      .describe('The student that gained most from its teacher; null before the report is there.'),
    warnings: count.describe('How many different warnings the job has.'),
    stages: z
      .object(stageCounts)
      .describe('How many stages are in each state; `GET /v1/jobs/:id/stages` lists them.'),
  });
export type JobSummary = z.output<typeof jobSummarySchema>;

export const metricRowSchema = z.object({
  stage: z.string().describe('The id of the stage.'),
  attempt: z.number().int().describe('The attempt of the stage that wrote the row.'),
  epoch: z.number().int().describe('The epoch, counted from 1; 0 is before the first one.'),
  step: z.number().int().describe('The step over all epochs, counted from 1; 0 is before the first one.'),
  time: z.iso.datetime().describe('When the trainer wrote the row.'),
  values: z
    .record(z.string(), z.number().nullable())
    .describe('The values by name, such as `loss`; null for a value that is not a finite number.'),
});
/** One line of a training curve. */
export type MetricRow = z.output<typeof metricRowSchema>;

export const checkpointSchema = z.object({
  stage: z.string().describe('The id of the stage that trained the network.'),
  network: z.string().describe('The name of the teacher or the student.'),
  seed: z.number().int().nullable().describe('The seed of the student; null for a teacher.'),
  checkpoint: z
    .enum(['best', 'last'])
    .describe('`last` are the weights after the last epoch, `best` those of the best validation epoch.'),
  epoch: z.number().int().describe('The epoch of these weights, counted from 1.'),
  format: z
    .string()
    .describe('The format in which the weights are stored. A download may ask for another one.'),
  digest: z.string(),
  size: z.number().int(),
});
export type Checkpoint = z.output<typeof checkpointSchema>;
