import * as tf from '@tensorflow/tfjs-core';
import { execute, flag, nativeType, overrideNativeKernel, type, types } from '../backends/native.ts';

/**
 * tf.step in two passes. The stock kernel takes eight, to keep NaN as NaN; here NaN becomes the value below 0, as the
 * core's own definition (x > 0 ? 1 : alpha) reads.
 */
export function registerStep(): void {
  overrideNativeKernel(tf.Step, ({ inputs: { x }, attrs }) => {
    const alpha = attrs.alpha as number;
    const above = execute('Greater', [type('T', nativeType(x))], [x, tf.scalar(0, x.dtype)])[0];
    const ones = execute(
      'Cast',
      [type('SrcT', types.bool), type('DstT', types.float32), flag('Truncate', false)],
      [above],
    )[0];
    // 1 where above, alpha elsewhere.
    return alpha === 0 ? ones : tf.add(tf.mul(ones, 1 - alpha), alpha);
  });
}
