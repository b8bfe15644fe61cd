import type { Reason } from '../job.ts';
import type { NewSweep } from './new-sweep.ts';
import type { SweepEstimate, SweepState, TrialState } from './view.ts';

/** A sweep as it is stored. */

/** The scores of one run of the student that counts, and of its control with the same seed. */
export interface TrialRun {
  seed: number;
  student: RunScores;
  /** Null without a control. */
  control: RunScores | null;
}

/** Accuracies, 0 to 1, of the weights of the best validation epoch and of the last one. */
export interface RunScores {
  validation: { best: number; last: number };
  test: { best: number; last: number };
}

/** One job of a trial: the whole of it, or its part up to an epoch. */
export interface TrialRung {
  /** The epoch after which it ends. */
  until: number;
  /** The id of its job; null until it is submitted. */
  job: string | null;
  /** Null until the job has succeeded. */
  runs: TrialRun[] | null;
}

export interface TrialRecord {
  /** What the paths of the sweep are in this trial. */
  values: Record<string, unknown>;
  state: TrialState;
  /** Its jobs, one behind the other; the last one may run. */
  rungs: TrialRung[];
  /** Why it failed. */
  reason: Reason | null;
  /** Whether its job is paused with the sweep. */
  paused?: boolean;
}

export interface SweepRecord {
  id: string;
  /** The name of the API key that submitted it; null while keys are off. */
  owner: string | null;
  /** The key that its jobs are submitted with, as JSON; null while keys are off. */
  caller: unknown;
  state: SweepState;
  /** Rises with every change. */
  version: number;
  createdAt: string;
  finishedAt: string | null;
  given: NewSweep;
  /** The name of the student that counts. */
  student: string;
  /** The epochs after which trials are compared, rising; the last one is that of `training.epochs`. */
  rungs: number[];
  estimate: SweepEstimate;
  trials: TrialRecord[];
}
