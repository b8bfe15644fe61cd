import { type Forward, initialValues, type NetworkPlan, type Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { tracedWithTaps } from './taps.ts';

/** A network with its weights on the device. */
export interface Network {
  forward: Forward;
  plan: NetworkPlan;
  variables: Record<string, tf.Variable>;
}

/** Values by parameter name, each in the parameter's own shape and layout. */
export type Values = Record<string, Float32Array>;

/**
 * Puts a network on the device.
 *
 * @param values its weights, or the seed of its first weights
 */
export function createNetwork(forward: Forward, inputShape: number[], values: Values | number): Network {
  const plan = tracedWithTaps(forward, inputShape);
  const data = typeof values === 'number' ? initialValues(plan.parameters, values) : values;
  const variables = Object.fromEntries(
    plan.parameters.map(({ name, shape, trainable }) => {
      const initial = tf.tensor(data[name], shape);
      const variable = tf.variable(initial, trainable);
      initial.dispose();
      return [name, variable];
    }),
  );
  return { forward, plan, variables };
}

export function readValues(tensors: Tensors): Values {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor.dataSync().slice() as Float32Array]),
  );
}

/** Overwrites the weights with others of the same names and shapes. */
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
