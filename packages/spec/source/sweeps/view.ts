import { z } from 'zod';
import { reasonSchema } from '../job.ts';
import { spreadSchema } from '../report.ts';
import { domainSchema, searchSchema } from './new-sweep.ts';

/** Sweeps as the API shows them. */

export const sweepStates = ['running', 'paused', 'cancelling', 'cancelled', 'succeeded', 'failed'] as const;
export type SweepState = (typeof sweepStates)[number];

export const trialStates = [
  'waiting',
  'running',
  'held',
  'stopped',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type TrialState = (typeof trialStates)[number];

/** Whether a sweep has ended. */
export function isSweepOver(state: SweepState): boolean {
  return state === 'cancelled' || state === 'succeeded' || state === 'failed';
}

const values = z
  .record(z.string(), z.unknown())
  .describe('The paths of the sweep with their values in this trial.');
const trialNumber = z.int().describe('The number of the trial, from 1.');

const sweepEstimateSchema = z.object({
  trials: z.int().describe('How many combinations are tried.'),
  jobs: z
    .int()
    .describe('How many jobs they are, at most: one for each trial and each time that it goes on.'),
  stages: z.int().describe('The stages of these jobs.'),
  shared: z.int().describe('How many of these stages find their result made by another trial.'),
  seconds: z
    .number()
    .nullable()
    .describe('The estimated seconds of work, on one worker; null while no speed is known.'),
});
export type SweepEstimate = z.output<typeof sweepEstimateSchema>;

export const sweepPlanSchema = z.object({
  estimate: sweepEstimateSchema,
  student: z.string().describe('The student whose validation accuracy counts.'),
  rungs: z
    .array(z.int())
    .describe('The epochs after which trials are compared. The last ones are those of a whole training.'),
  trials: z.array(values).describe('The combinations, in the order in which they begin.'),
  warnings: z.array(z.string()).describe('The warnings of the plans of the trials, each once.'),
});
export type SweepPlan = z.output<typeof sweepPlanSchema>;

const bothSchema = z.object({
  best: spreadSchema.describe('Of the weights of the best validation epoch.'),
  last: spreadSchema.describe('Of the weights of the last epoch.'),
});

export const leaderboardEntrySchema = z.object({
  trial: trialNumber,
  values,
  epochs: z.int().describe('The epochs that it was trained for. Its control was trained for as many.'),
  stopped: z.boolean().describe('Whether that is fewer than a whole training.'),
  seeds: z.int().describe('The number of seeds, over which means and deviations are.'),
  validation: bothSchema.describe(
    'The accuracy on the validation split, 0 to 1. `best` orders the leaderboard.',
  ),
  overControl: bothSchema
    .nullable()
    .describe(
      'How much higher that is than the validation accuracy of the control with the same seed; null without a control.',
    ),
  test: z
    .object({ accuracy: bothSchema, overControl: bothSchema.nullable() })
    .nullable()
    .describe('The same on the test set, which chooses nothing; null until the trial has ended.'),
});
export type LeaderboardEntry = z.output<typeof leaderboardEntrySchema>;

export const trialSchema = z.object({
  trial: trialNumber,
  values,
  state: z
    .enum(trialStates)
    .describe(
      '`waiting`: it has not begun. `held`: it waits whether it goes on. `stopped`: others were better after as many epochs. `succeeded`: it was trained to the end.',
    ),
  epochs: z.int().describe('The epochs that it has completed and was compared at; 0 before.'),
  jobs: z
    .array(z.object({ id: z.string(), until: z.int().describe('The epoch after which the job ends.') }))
    .describe('Its jobs, each of which goes on where the one before has stopped.'),
  reason: reasonSchema.nullable().describe('Why it failed.'),
});
export type TrialView = z.output<typeof trialSchema>;

const count = z.int().min(0);
export const sweepSummarySchema = z.object({
  id: z.string().describe('The id of the sweep; ids sort by the time of submission.'),
  name: z.string().nullable(),
  owner: z.string().nullable().describe('The name of the API key that submitted it; null if keys were off.'),
  state: z.enum(sweepStates).describe('The state of the sweep. It has failed when no trial has a result.'),
  search: searchSchema,
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  trials: z.record(z.enum(trialStates), count).describe('How many trials are in each state.'),
  best: leaderboardEntrySchema.nullable().describe('The first of the leaderboard; null while it is empty.'),
});
export type SweepSummary = z.output<typeof sweepSummarySchema>;

export const sweepViewSchema = sweepSummarySchema.omit({ trials: true, best: true }).extend({
  student: z.string().describe('The student whose validation accuracy counts.'),
  over: z.record(z.string(), domainSchema).describe('What varies.'),
  rungs: z.array(z.int()).describe('The epochs after which trials are compared.'),
  estimate: sweepEstimateSchema,
  trials: z.array(trialSchema),
  leaderboard: z
    .array(leaderboardEntrySchema)
    .describe(
      'Trials with a result: those with more epochs first, then those with the higher validation accuracy.',
    ),
});
export type SweepView = z.output<typeof sweepViewSchema>;
