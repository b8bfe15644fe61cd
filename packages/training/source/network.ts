import { type Forward, initialValues, type NetworkPlan, type Tensors } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { tracedWithTaps } from './taps.ts';

/** A network with its weights on the device. */
export interface Network {
  forward: Forward;
  plan: NetworkPlan;
  variables: Record<string, tf.Variable>;
  /** True for a network that is not trained and runs as in evaluation. */
  frozen?: true;
}

/** Values by parameter name, each in the parameter's own shape and layout. */
export type Values = Record<string, Float32Array>;

/**
 * Creates a network on the device.
 *
 * @param values the weights, or the seed of the first weights
 * @param frozen whether the network is not trained and runs as in evaluation
 */
export function createNetwork(
  forward: Forward,
  inputShape: number[],
  values: Values | number,
  frozen = false,
): Network {
  const plan = tracedWithTaps(forward, inputShape);
  const data = typeof values === 'number' ? initialValues(plan.parameters, values) : values;
  const variables = Object.fromEntries(
    plan.parameters.map(({ name, shape, trainable }) => {
      const initial = tf.tensor(data[name], shape);
      const variable = tf.variable(initial, trainable && !frozen);
      initial.dispose();
      return [name, variable];
    }),
  );
  return { forward, plan, variables, ...(frozen && { frozen }) };
}

export function readValues(tensors: Tensors): Values {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor.dataSync().slice() as Float32Array]),
  );
}

/**
 * Reads weights for a checkpoint.
 *
 * @param step number of completed steps
 * @param label returns the name of a parameter for error messages
 * @throws DistilleryError `nan`, naming a parameter that is not finite
 */
export function finiteValues(variables: Tensors, step: number, label: (parameter: string) => string): Values {
  const values = readValues(variables);
  const bad = Object.entries(values).find(([, data]) => !data.every(Number.isFinite));
  if (bad === undefined) return values;
  throw new DistilleryError(
    'nan',
    `${label(bad[0])} is not finite after step ${step}, though every loss was; try a smaller learning rate`,
  );
}

/** Replaces the weights by others of the same names and shapes. */
export function assignValues(variables: Record<string, tf.Variable>, values: Values): void {
  for (const [name, variable] of Object.entries(variables)) {
    const value = tf.tensor(values[name], variable.shape);
    variable.assign(value);
    value.dispose();
  }
}

/** The variables that gradients move, in the network's order. */
export function trainable(network: Network): Record<string, tf.Variable> {
  return Object.fromEntries(Object.entries(network.variables).filter(([, variable]) => variable.trainable));
}

export function disposeNetwork(network: Network): void {
  tf.dispose(Object.values(network.variables));
}
