import * as tf from '@tensorflow/tfjs-core';
import { execute, nativeKernel, nativeType, text, type } from '../native.ts';
import { call, has } from './call.ts';

export function registerBiasAdd(): void {
  const nhwc = () => text('data_format', 'NHWC');
  nativeKernel(
    'BiasAdd',
    ({ inputs: { x, bias } }) => execute('BiasAdd', [type('T', nativeType(x)), nhwc()], [x, bias])[0],
  );
  nativeKernel(
    'BiasAddGrad',
    ({ inputs: { dy } }) => execute('BiasAddGrad', [type('T', nativeType(dy)), nhwc()], [dy])[0],
  );
}

/**
 * Adds a bias to the last axis.
 *
 * @param x `[…, channels]`
 * @param bias `[channels]`
 */
export function biasAdd<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  const fused = tf.customGrad((input, vector) => ({
    value: has('BiasAdd')
      ? call('BiasAdd', { x: input as tf.Tensor, bias: vector as tf.Tensor })
      : tf.add(input as tf.Tensor, vector as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => [
      // A copy of the handle, not of the data: the tape disposes each gradient by itself.
      tf.clone(dy),
      has('BiasAddGrad')
        ? call('BiasAddGrad', { dy })
        : tf.sum(dy, dy.shape.map((_, axis) => axis).slice(0, -1)),
    ],
  }));
  return fused(x, bias) as T;
}
