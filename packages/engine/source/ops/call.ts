import * as tf from '@tensorflow/tfjs-core';

/** Does the engine of this process have a kernel? What it lacks is composed of public operations. */
export function has(kernel: string): boolean {
  return tf.getKernel(kernel, tf.getBackend()) !== undefined;
}

/** Runs a kernel of this package. */
export function call(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, unknown> = {},
): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(kernel, inputs, attributes as never);
}
