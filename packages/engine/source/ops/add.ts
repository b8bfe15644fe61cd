import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, nativeType, overrideNativeKernel, type, types } from '../native.ts';

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
