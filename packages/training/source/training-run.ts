import type { Dataset } from '@distillery/datasets';
import type { TermResult, Training } from '@distillery/spec';
import type { Checkpoint } from './checkpoint.ts';
import type { StepMode } from './components/step-mode.ts';
import type { MemberRun } from './member.ts';
import type { Values } from './network.ts';
import type { TeacherTaps } from './teacher-taps.ts';

/** A training: of one network, or of several that learn from each other step by step. */
export interface TrainingRun {
  members: readonly MemberRun[];
  dataset: Dataset;
  /** Indices into the training split. */
  indices: { train: Int32Array; validation: Int32Array };
  training: Training;
  /** The number of epochs after which the training ends, at most `training.epochs`, which schedules span. */
  until: number;
  /** The seed of the order of the samples. */
  seed: number;
  /** Gives the teachers' taps, and the caller disposes it; absent when no term reads any. */
  teacher?: TeacherTaps;
  /** The number of augmented views that epochs cycle through; Infinity: every epoch has a new one. */
  views: number;
  resume: Checkpoint | undefined;
  /** The seconds, or steps, after which the next row of metrics within an epoch commits a checkpoint. */
  checkpoints: { everySeconds: number; everySteps?: number | undefined };
  hooks: TrainingHooks;
}

export interface TrainingHooks {
  /** Receives a row of the training curve. `epoch` and `step` count from 1; before the first step they are 0. */
  metrics(epoch: number, step: number, values: Record<string, number>): void;
  progress(phase: string, at: { step: number; loss: number | null; samplesPerSecond: number | null }): void;
  warning(message: string): void;
  checkpoint(checkpoint: Checkpoint): Promise<void>;
  /** Lets the process handle messages; throws when the run must stop. */
  pause(): Promise<void>;
}

/**
 * The reason with which a stage's signal is aborted. The hook `pause` throws it to end a run between two steps; the loop
 * commits a checkpoint first.
 */
export class StopTraining extends Error {}

export interface TrainingResult {
  lastEpoch: number;
  /** In the order of the run's members. */
  members: MemberResult[];
  /** The mode of the steps. */
  steps: StepMode;
  /** The last epoch's mean of the weighted sum of all terms. */
  loss: number | undefined;
  /** The seconds of training over all attempts. */
  seconds: number;
}

interface MemberResult {
  /** The best epoch; without a validation split, the last one. */
  best: { epoch: number; validationAccuracy: number | null; values: Values };
  lastValidationAccuracy: number | null;
  terms: TermResult[];
  /** The last epoch's mean of each term, before its weight. */
  losses: Record<string, number>;
}
