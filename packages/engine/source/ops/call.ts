import * as tf from '@tensorflow/tfjs-core';

/** Whether the engine has a kernel. Missing kernels are composed of public operations. */
export function has(kernel: string): boolean {
  return tf.getKernel(kernel, tf.getBackend()) !== undefined;
}

/** Runs a kernel that this package registered. */
export function call(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, unknown> = {},
): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(kernel, inputs, attributes as never);
}
