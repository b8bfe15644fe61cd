import { compile, stepSetting } from '@distillery/engine';
import { DistilleryError, type NetworkResult } from '@distillery/spec';
import type * as tf from '@tensorflow/tfjs-core';
import type { DeviceBatch } from '../device-batch.ts';
import type { Component } from './component.ts';

export type StepMode = NonNullable<NetworkResult['steps']>;

/** Takes the steps of a run, compiled where that is possible. */
export interface StepRunner extends Component {
  take(batch: DeviceBatch): tf.Tensor1D;
  /** The mode, which is known once a step has been taken. */
  mode(): StepMode;
}

/**
 * Compiles the steps of a run, unless the setting STEP or the step itself prevents it. The two modes may round differently,
 * so a checkpoint keeps the mode, and a resumed run goes on in it.
 *
 * @param step takes one step of all members
 * @throws DistilleryError `engine_unavailable` from `take` when STEP is `compiled` and the step cannot be compiled
 */
export function stepRunner(step: (batch: DeviceBatch) => tf.Tensor1D): StepRunner {
  let reason: string | null = null;
  const compiled = compile(step, {
    name: 'training_step',
    refused(why) {
      if (stepSetting() !== 'compiled') reason = why;
      else {
        throw new DistilleryError(
          'engine_unavailable',
          `STEP is compiled, but this step cannot be compiled: ${why}; STEP=auto runs it operation by operation`,
        );
      }
    },
  });
  return {
    name: 'steps',
    take: (batch) => (reason === null ? compiled(batch) : step(batch)),
    mode: () => ({ mode: reason === null ? 'compiled' : 'eager', reason }),
    state: () => ({ facts: reason }),
    restore({ facts }) {
      // Checkpoints of earlier versions have no mode.
      if (facts !== null) reason = (facts as string | undefined) ?? 'an earlier version began the run';
    },
    dispose: () => compiled.dispose(),
  };
}
