import * as tf from '@tensorflow/tfjs-core';
import { feedScalar } from '../compiled/feed.ts';
import { type Attribute, flag } from '../backends/native.ts';
import { applyTo, createResource, type Resource } from '../ops/resource.ts';
import { adamCorrections, type AdamNumbers } from './scale-by-adam.ts';
import type { MomentumNumbers } from './scale-by-momentum.ts';
import {
  mapValues,
  ofZeros,
  type OptimizerStep,
  type Slot,
  type Transform,
  type Update,
} from './transform.ts';

/**
 * Single operations of TensorFlow that replace the last transforms of a chain, and update a parameter and its slots in
 * place. Each names the transforms that it replaces, and has their slots.
 */

/** `scaleByAdam`, `scaleByLearningRate` and `applyChanges` in one. */
export function applyAdam(numbers: AdamNumbers): Transform {
  const { beta1, beta2, epsilon } = numbers;
  return fused(['first_moment', 'second_moment'], (step, scale) => {
    // The operation gets 0 for the powers of β, so that it corrects nothing: rate and epsilon include both corrections.
    const scalars = [
      tf.scalar(0),
      tf.scalar(0),
      feedScalar(() => step.rate * scale(step) * adamCorrections(numbers, step).scale),
      tf.scalar(beta1),
      tf.scalar(beta2),
      feedScalar(() => epsilon * adamCorrections(numbers, step).root),
    ];
    return (resources, gradient) =>
      applyTo('Adam', resources, [...scalars, gradient], [flag('use_nesterov', false)]);
  });
}

/** `scaleByMomentum`, `scaleByLearningRate` and `applyChanges` in one. */
export function applyMomentum({ momentum, nesterov }: MomentumNumbers): Transform {
  if (momentum === 0) return applyGradientDescent();
  const attributes: Attribute[] = [flag('use_nesterov', nesterov)];
  return fused(['momentum'], (step, scale) => {
    const [speed, friction] = [feedScalar(() => step.rate * scale(step)), tf.scalar(momentum)];
    return (resources, gradient) => applyTo('Momentum', resources, [speed, gradient, friction], attributes);
  });
}

function applyGradientDescent(): Transform {
  return fused([], (step, scale) => {
    const speed = feedScalar(() => step.rate * scale(step));
    return (resources, gradient) => applyTo('GradientDescent', resources, [speed, gradient]);
  });
}

/** Applies one operation to a parameter and its slots, in the order given. */
type Apply = (resources: Resource[], gradient: tf.Tensor) => void;

/** Keeps parameters and slots as TensorFlow variables, and gives each new value to the TF.js variables. */
function fused(
  slots: readonly string[],
  begin: (step: OptimizerStep, scale: Update['scale']) => Apply,
): Transform {
  return (variables) => {
    const held = slots.map(() => ofZeros(variables, resourceSlot));
    const parameters = mapValues(variables, createResource);
    return {
      update({ values, changes, scale }, step) {
        const apply = begin(step, scale);
        for (const [name, variable] of Object.entries(variables)) {
          const parameter = parameters[name];
          // An earlier transform may have changed the value, and others assign the variable. No data is copied.
          parameter.assign(values[name]);
          apply([parameter, ...held.map((resources) => resources[name])], changes[name]);
          variable.assign(parameter.read());
        }
        return { values: variables, changes: {}, scale };
      },
      state: Object.fromEntries(slots.map((slot, index) => [slot, held[index]])),
      dispose: () => tf.dispose(Object.values(parameters).map(({ handle }) => handle)),
    };
  };
}

function resourceSlot(zeros: tf.Tensor): Resource & Slot {
  const resource = createResource(zeros);
  return { ...resource, shape: zeros.shape, dispose: () => resource.handle.dispose() };
}
