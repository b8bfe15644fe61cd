import { z } from 'zod';
import { jobViewSchema, reasonSchema, stageProgressSchema } from './job.ts';
import { jobStates, stageStates } from './states.ts';
import { skippedDataSchema } from './warning.ts';

/**
 * Everything that happens to a job, as one log that is read in order. `progress`, `metrics` and `checkpoint` describe
 * the newest state of a stage, and a repeated `warning` its newest count: such an event takes the place of the one
 * before it, so that a long job keeps a short log. All other events stay.
 */

const common = {
  id: z
    .string()
    .regex(/^\d+-\d+$/)
    .describe(
      'The place of the event among those of all jobs. Ids rise; a reader goes on behind the last one it has.',
    ),
  job: z.string().describe('The id of the job.'),
  time: z.iso.datetime().describe('When the event was written.'),
};
const ofAttempt = {
  ...common,
  stage: z.string().describe('The id of the stage.'),
  attempt: z
    .number()
    .int()
    .min(0)
    .describe('The attempt of the stage: 1 for the first worker that took it, 0 before that.'),
};

export const logLevels = ['info', 'warn', 'error'] as const;

const jobEvent = z.object({
  type: z.literal('job').describe('The job has reached another state.'),
  ...common,
  state: z.enum(jobStates).describe('The state of the job from now on.'),
  reason: reasonSchema.nullable().describe('Why the job failed; null in every other state.'),
});

const stageEvent = z.object({
  type: z.literal('stage').describe('A stage has reached another state.'),
  ...ofAttempt,
  state: z.enum(stageStates).describe('The state of the stage from now on.'),
  worker: z.string().nullable().describe('The worker of the attempt; null before the first attempt.'),
  reason: reasonSchema
    .nullable()
    .describe(
      'Why the attempt failed; null when it has not failed. A stage that is queued again keeps the reason.',
    ),
});

const progressEvent = z.object({
  type: z.literal('progress').describe('The newest progress of a stage.'),
  ...ofAttempt,
  progress: stageProgressSchema,
});

const metricsEvent = z.object({
  type: z.literal('metrics').describe('A stage has new rows of metrics.'),
  ...ofAttempt,
  rows: z.number().int().min(1).describe('How many rows the stage has written so far, over all attempts.'),
  last: z
    .string()
    .describe('The place of the newest row: the rows up to it can be read with `GET /v1/jobs/:id/metrics`.'),
});

const warningEvent = z.object({
  type: z.literal('warning').describe('Something that people should know and that stops nothing.'),
  ...ofAttempt,
  message: z.string().describe('The warning as a sentence for people.'),
  count: z.number().int().min(1).describe('How many times this stage has given this warning.'),
});

const skippedEvent = z.object({
  type: z.literal('skipped').describe('Samples of a data set could not be read and are left out.'),
  ...ofAttempt,
  ...skippedDataSchema.omit({ stage: true }).shape,
});

export const logEvent = z.object({
  type: z.literal('log').describe('A line that the trainer or its supervisor has logged.'),
  ...ofAttempt,
  source: z.enum(['trainer', 'supervisor']).describe('The process that logged the line.'),
  level: z.enum(logLevels).describe('How serious the line is.'),
  message: z.string().describe('The line.'),
});

const checkpointEvent = z.object({
  type: z
    .literal('checkpoint')
    .describe('A stage has saved a checkpoint, from which a later attempt goes on.'),
  ...ofAttempt,
  step: z.number().int().describe('The optimizer steps that were completed by then.'),
  bytes: z.number().int().describe('The size of the checkpoint in bytes.'),
});

const reportEvent = z.object({
  type: z.literal('report').describe('The report is there: `GET /v1/jobs/:id/report` answers it.'),
  ...ofAttempt,
});

export const jobEventSchema = z.discriminatedUnion('type', [
  jobEvent,
  stageEvent,
  progressEvent,
  metricsEvent,
  warningEvent,
  skippedEvent,
  logEvent,
  checkpointEvent,
  reportEvent,
]);
/** Something that happened to a job. */
export type JobEvent = z.output<typeof jobEventSchema>;

/** Takes the place of events that a stream of events cannot tell, because they are no longer kept. */
export const resetEventSchema = z.object({
  type: z
    .literal('reset')
    .describe('Events are missing here: what is known of the job, or of all, is out of date.'),
  job: common.job.nullable().describe('The id of the job; null in a stream of all jobs.'),
  latest: common.id
    .nullable()
    .describe('The newest event by then, null if there was none. The view holds what events up to it tell.'),
  view: jobViewSchema.nullable().describe('The job as it is now; null in a stream of all jobs.'),
});
export type ResetEvent = z.output<typeof resetEventSchema>;

/** What a stream of events tells. */
export type StreamEvent = JobEvent | ResetEvent;

/** A line of a log before it has a place in it. */
export type LogLine = Pick<z.output<typeof logEvent>, 'source' | 'level' | 'message'>;

/** What a trainer tells of a checkpoint once it is committed. */
export type SavedCheckpoint = Pick<z.output<typeof checkpointEvent>, 'step' | 'bytes'>;
