import * as tf from '@tensorflow/tfjs-core';
import { type Attribute, execute, flag, float, integer, type, types } from '../backends/native.ts';
import { feedScalar } from '../compiled/feed.ts';
import { adamCorrections, type AdamNumbers } from './scale-by-adam.ts';
import type { MomentumNumbers } from './scale-by-momentum.ts';
import { type OptimizerStep, type Transform, type Update, zeroSlots } from './transform.ts';

/**
 * The project's own kernels (scripts/setup/kernels/optimizers.cc), each of which replaces the last transforms of a chain and
 * updates all parameters and their slots at once. Each names the transforms that it replaces, and has their slots.
 */

/** `scaleByAdam`, `scaleByLearningRate` and `applyChanges` in one. */
export function adamTogether(numbers: AdamNumbers): Transform {
  const { beta1, beta2, epsilon } = numbers;
  return together({
    operation: 'DistilleryAdam',
    attributes: () => [float('beta1', beta1), float('beta2', beta2)],
    slots: ['first_moment', 'second_moment'],
    scalars: (step, scale) => [
      feedScalar(() => step.rate * scale(step) * adamCorrections(numbers, step).scale),
      feedScalar(() => epsilon * adamCorrections(numbers, step).root),
    ],
  });
}

/** `scaleByMomentum`, `scaleByLearningRate` and `applyChanges` in one. */
export function momentumTogether({ momentum, nesterov }: MomentumNumbers): Transform {
  const scalars: Together['scalars'] = (step, scale) => [feedScalar(() => step.rate * scale(step))];
  return momentum === 0
    ? together({ operation: 'DistilleryDescent', attributes: () => [], slots: [], scalars })
    : together({
        operation: 'DistilleryMomentum',
        attributes: () => [float('momentum', momentum), flag('nesterov', nesterov)],
        slots: ['momentum'],
        scalars,
      });
}

interface Together {
  operation: string;
  attributes: () => Attribute[];
  slots: readonly string[];
  /** The last inputs of the operation. */
  scalars: (step: OptimizerStep, scale: Update['scale']) => tf.Tensor[];
}

function together({ operation, attributes, slots, scalars }: Together): Transform {
  return (variables) => {
    const names = Object.keys(variables);
    const held = slots.map(() => zeroSlots(variables));
    return {
      update({ values, changes, scale }, step) {
        const own = [type('T', types.float32), integer('N', names.length), ...attributes()];
        const inputs = [
          ...names.map((name) => values[name]),
          ...names.map((name) => changes[name]),
          ...held.flatMap((slot) => names.map((name) => slot[name].read())),
          ...scalars(step, scale),
        ];
        const next = execute(operation, own, inputs, (1 + held.length) * names.length);
        names.forEach((name, index) => {
          variables[name].assign(next[index]);
          held.forEach((slot, kind) => {
            slot[name].assign(next[(1 + kind) * names.length + index]);
          });
        });
        return { values: variables, changes: {}, scale };
      },
      state: Object.fromEntries(slots.map((slot, kind) => [slot, held[kind]])),
    };
  };
}
