import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, nativeType, overrideNativeKernel, type, types } from '../backends/native.ts';

/**
 * Adds two maps of one shape, each in float32 or bfloat16. The stock gradient reshapes, which does not work for
 * bfloat16, and keeps both maps; this gradient passes on its input.
 */
export function addMaps(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.customGrad((x, y) => ({
    value: tf.add(x as tf.Tensor, y as tf.Tensor),
    // These copy handles, not data. The tape disposes each gradient separately.
    gradFunc: (dy: tf.Tensor) => [tf.clone(dy), tf.clone(dy)],
  }))(a, b);
}

/**
 * Makes tf.add accept bfloat16, because the gradient tape uses it to sum the gradients of a tensor that is used twice.
 */
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
