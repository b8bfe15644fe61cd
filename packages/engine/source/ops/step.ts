import * as tf from '@tensorflow/tfjs-core';
import { execute, flag, nativeType, overrideNativeKernel, type, types } from '../backends/native.ts';

/**
 * Registers tf.step with two passes. The stock kernel takes eight, in order to keep NaN; here NaN gives alpha, which
 * follows the definition in the TensorFlow.js core (x > 0 ? 1 : alpha).
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
    // 1 where x > 0, else alpha.
    return alpha === 0 ? ones : tf.add(tf.mul(ones, 1 - alpha), alpha);
  });
}
