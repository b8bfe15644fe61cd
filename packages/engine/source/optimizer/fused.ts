import * as tf from '@tensorflow/tfjs-core';
import { type Attribute, flag } from '../backends/native.ts';
import { applyTo, createResource, type Resource } from '../ops/resource.ts';
import type { AdamNumbers } from './scale-by-adam.ts';
import type { MomentumNumbers } from './scale-by-momentum.ts';
import { mapValues, ofZeros, type OptimizerStep, type Slot, type Transform } from './transform.ts';

/**
 * Single operations of TensorFlow that replace the last transforms of a chain, and update a parameter and its slots in
 * place. Each names the transforms that it replaces, and has their slots.
 */

/** `scaleByAdam`, `scaleByLearningRate` and `applyChanges` in one. */
export function applyAdam({ beta1, beta2, epsilon }: AdamNumbers): Transform {
  return fused(['first_moment', 'second_moment'], ({ rate, step }, scale) => {
    const root = Math.sqrt(1 - beta2 ** step);
    // The operation gets 0 for the powers of β, so that it corrects nothing: rate and epsilon include both corrections.
    const numbers = [0, 0, (rate * scale * root) / (1 - beta1 ** step), beta1, beta2, epsilon * root];
    const scalars = numbers.map((number) => tf.scalar(number));
    return (resources, gradient) =>
      applyTo('Adam', resources, [...scalars, gradient], [flag('use_nesterov', false)]);
  });
}

/** `scaleByMomentum`, `scaleByLearningRate` and `applyChanges` in one. */
export function applyMomentum({ momentum, nesterov }: MomentumNumbers): Transform {
  if (momentum === 0) return applyGradientDescent();
  const attributes: Attribute[] = [flag('use_nesterov', nesterov)];
  return fused(['momentum'], ({ rate }, scale) => {
    const [speed, friction] = [tf.scalar(rate * scale), tf.scalar(momentum)];
    return (resources, gradient) => applyTo('Momentum', resources, [speed, gradient, friction], attributes);
  });
}

function applyGradientDescent(): Transform {
  return fused([], ({ rate }, scale) => {
    const speed = tf.scalar(rate * scale);
    return (resources, gradient) => applyTo('GradientDescent', resources, [speed, gradient]);
  });
}

/** Applies one operation to a parameter and its slots, in the order given. */
type Apply = (resources: Resource[], gradient: tf.Tensor) => void;

/** Keeps parameters and slots as TensorFlow variables, and gives each new value to the TF.js variables. */
function fused(slots: readonly string[], begin: (step: OptimizerStep, scale: number) => Apply): Transform {
  return (variables) => {
    const held = slots.map(() => ofZeros(variables, resourceSlot));
    const parameters = mapValues(variables, (variable) => ({
      ...createResource(variable),
      data: variable.dataId,
    }));
    return {
      update({ values, changes, scale }, step) {
        const apply = begin(step, scale);
        for (const [name, variable] of Object.entries(variables)) {
          const [parameter, value] = [parameters[name], values[name]];
          // An earlier transform changed the value, or the variable was assigned since the last step.
          if (value !== variable || variable.dataId !== parameter.data) parameter.assign(value);
          apply([parameter, ...held.map((resources) => resources[name])], changes[name]);
          variable.assign(parameter.read());
          parameter.data = variable.dataId;
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
