import type { Optimizer as OptimizerSpec } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernels, isNative } from '../backends/native.ts';
import { applyChanges, scaleByLearningRate } from './apply.ts';
import { clipByGlobalNorm } from './clip-by-global-norm.ts';
import { applyAdam, applyMomentum } from './fused.ts';
import { scaleByAdam } from './scale-by-adam.ts';
import { scaleByMomentum } from './scale-by-momentum.ts';
import { chain, mapValues, type OptimizerStep, type Slot, type Transform } from './transform.ts';
import { adamTogether, momentumTogether } from './together.ts';
import { addDecayedWeights, shrinkWeights } from './weight-decay.ts';

/** A chain of transforms over some variables. Its state is in named slots, which checkpoints save. */
export interface Optimizer {
  /**
   * Updates the variables, on the device alone.
   *
   * @param gradients the gradients by variable name; they are disposed
   */
  apply(gradients: Record<string, tf.Tensor>, step: OptimizerStep): void;
  /** The state, `<slot>/<variable>` → values. */
  read(): Record<string, Float32Array>;
  /** Restores a state that `read` returned. */
  restore(values: Record<string, Float32Array>): void;
  dispose(): void;
}

/**
 * Creates an optimizer with PyTorch's update rules.
 *
 * @param variables the variables by name; `apply` changes them, and others may assign them in between
 * @param gradientClip the largest global L2 norm of the gradients; null does not clip
 */
export function createOptimizer(
  spec: OptimizerSpec,
  variables: Record<string, tf.Variable>,
  gradientClip: number | null = null,
): Optimizer {
  const clip = gradientClip === null ? [] : [clipByGlobalNorm(gradientClip)];
  return openOptimizer(chain(...clip, ...transformsOf(spec, operations())), variables);
}

/**
 * What computes the end of a chain: small transforms; an operation of TensorFlow for each parameter; or a kernel of this
 * project for all of them.
 */
export type Operations = 'small' | 'each' | 'together';

function operations(): Operations {
  if (hasKernels()) return 'together';
  return isNative() ? 'each' : 'small';
}

/** @param end what this engine has for the end of the chain */
export function transformsOf(spec: OptimizerSpec, end: Operations): Transform[] {
  switch (spec.type) {
    case 'adam':
      return [addDecayedWeights(spec.weightDecay), ...adam(spec)[end]()];
    case 'adamw':
      return [shrinkWeights(spec.weightDecay), ...adam(spec)[end]()];
    case 'sgd':
      return [addDecayedWeights(spec.weightDecay), ...momentum(spec)[end]()];
  }
}

const adam = (numbers: Parameters<typeof scaleByAdam>[0]): Record<Operations, () => Transform[]> => ({
  small: () => [scaleByAdam(numbers), scaleByLearningRate(), applyChanges()],
  each: () => [applyAdam(numbers)],
  together: () => [adamTogether(numbers)],
});

const momentum = (numbers: Parameters<typeof scaleByMomentum>[0]): Record<Operations, () => Transform[]> => ({
  small: () => [scaleByMomentum(numbers), scaleByLearningRate(), applyChanges()],
  each: () => [applyMomentum(numbers)],
  together: () => [momentumTogether(numbers)],
});

/** @param transform a chain whose last transform applies the changes */
export function openOptimizer(transform: Transform, variables: Record<string, tf.Variable>): Optimizer {
  const { update, state = {}, dispose } = transform(variables);
  const slots: Record<string, Slot> = Object.fromEntries(
    Object.entries(state).flatMap(([slot, byVariable]) =>
      Object.entries(byVariable).map(([name, value]) => [`${slot}/${name}`, value]),
    ),
  );
  return {
    apply(gradients, step) {
      tf.tidy(() => {
        update({ values: variables, changes: gradients, scale: () => 1 }, step);
      });
    },
    read: () =>
      mapValues(slots, (slot) => {
        const value = slot.read();
        const data = value.dataSync().slice() as Float32Array;
        value.dispose();
        return data;
      }),
    restore(values) {
      for (const [name, slot] of Object.entries(slots)) {
        tf.tidy(() => slot.assign(tf.tensor(values[name], slot.shape)));
      }
    },
    dispose() {
      for (const slot of Object.values(slots)) slot.dispose();
      dispose?.();
    },
  };
}
