import type { Tensors } from '@distillery/engine';
import type { DeviceBatch } from '../device-batch.ts';
import type { StepMoment, StepNumbers } from '../step-numbers.ts';
import type { TensorTree } from '../tensor-tree.ts';

/**
 * A part of a training that owns its state: what it needs on the device, what it does in a step, and what it puts into a
 * checkpoint. Its factory creates it; every hook is optional.
 *
 * `provide` and `update` run inside the step. They must be functions of their arguments and of variables alone: they read
 * no tensor back and keep nothing on the host. The other hooks run between steps, on the host.
 */
export interface Component {
  /** Unique among the components of its member; names its state in a checkpoint. */
  readonly name: string;

  /**
   * Computes taps for the terms whose teacher this component is, before the forward pass. No gradient passes through
   * them.
   *
   * @param taps the ones that terms read
   */
  provide?(batch: DeviceBatch, taps: readonly string[], moment: StepMoment): Tensors;

  /** Runs after the optimizer has moved the weights. It may assign variables. */
  update?(numbers: StepNumbers): void;

  afterStep?(step: StepEnd): void;

  /** May run twice for an epoch: a run that is stopped in it repeats it. Its numbers join the epoch's row of metrics. */
  afterEpoch?(epoch: EpochEnd): Promise<Record<string, number>> | Record<string, number>;

  /**
   * What a checkpoint must hold for the run to go on to the same bits.
   *
   * @param step number of completed steps, for error messages
   * @throws DistilleryError `nan` when there is nothing good to save
   */
  state?(step: number): ComponentState;
  restore?(state: ComponentState): void;

  dispose?(): void;
}

interface ComponentState {
  tensors?: TensorTree;
  /** What fits into JSON. */
  facts?: unknown;
}

/** A step that has been taken. */
interface StepEnd {
  numbers: StepNumbers;
  /** Whether a row of metrics ends with it. */
  rowEnds: boolean;
}

/** An epoch whose steps have been taken. */
interface EpochEnd {
  /** Number of completed epochs, this one included. */
  epoch: number;
  /** Number of completed steps. */
  step: number;
  /** Lets the process read its messages; throws when the run must stop. */
  pause(): Promise<void>;
}
