import type { Tensors } from '@distillery/engine';
import type { DeviceBatch } from '../device-batch.ts';
import type { StepMoment, StepNumbers } from '../step-numbers.ts';
import type { TensorTree } from '../tensor-tree.ts';

/**
 * A part of a training that owns its state: its tensors on the device, its work in a step, and its share of a checkpoint.
 * Every hook is optional.
 *
 * `provide` and `update` are part of the step, which is recorded once and then repeated without JavaScript. They may depend
 * only on their arguments and on variables: they must not read tensors back, or keep anything on the host, and they read
 * numbers of the step within `feed`. The other hooks run between steps, on the host.
 */
export interface Component {
  /** The name of its state in a checkpoint; unique among the components of its member. */
  readonly name: string;

  /**
   * Computes taps for the terms whose teacher this component is, before the forward pass. No gradient passes through
   * them.
   *
   * @param taps the taps that terms read
   */
  provide?(batch: DeviceBatch, taps: readonly string[], moment: StepMoment): Tensors;

  /** Runs after the optimizer has updated the weights. It may assign variables. */
  update?(numbers: StepNumbers): void;

  afterStep?(step: StepEnd): void;

  /** Returns numbers for the epoch's row of metrics. It runs again for the same epoch when a run is stopped during it. */
  afterEpoch?(epoch: EpochEnd): Promise<Record<string, number>> | Record<string, number>;

  /**
   * Returns the state that a checkpoint needs for the resumed run to end with the same bits.
   *
   * @param step the number of completed steps, for error messages
   * @throws DistilleryError `nan` when a value is not finite
   */
  state?(step: number): ComponentState;
  restore?(state: ComponentState): void;

  dispose?(): void;
}

interface ComponentState {
  tensors?: TensorTree;
  /** Other state, as plain JSON. */
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
  /** Lets the process handle messages; throws when the run must stop. */
  pause(): Promise<void>;
}
