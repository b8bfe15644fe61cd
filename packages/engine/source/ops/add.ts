import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, nativeType, overrideNativeKernel, type, types } from '../backends/native.ts';

/**
 * The sum of two maps of one shape, each in the type that it flows in. The stock gradient reshapes, which bfloat16 does
 * not stand, and keeps both maps; this one hands on what it is given.
 */
export function addMaps(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.customGrad((x, y) => ({
    value: tf.add(x as tf.Tensor, y as tf.Tensor),
    // Copies of the handle, not of the data: the tape disposes each gradient by itself.
    gradFunc: (dy: tf.Tensor) => [tf.clone(dy), tf.clone(dy)],
  }))(a, b);
}

/** tf.add takes bfloat16 too: the tape adds up the gradients of what is used twice. */
export function registerAdd(): void {
  overrideNativeKernel(tf.Add, ({ inputs: { a, b } }) => {
    const [left, right] = [nativeType(a), nativeType(b)];
    if (left === right) return execute('AddV2', [type('T', left)], [a, b])[0];
    return execute(
      'AddV2',
      [type('T', types.float32)],
      [castTo(a, types.float32), castTo(b, types.float32)],
    )[0];
  });
}
