import * as tf from '@tensorflow/tfjs-core';
import { execute, isNative, nativeKernel, type, types } from '../backends/native.ts';
import { call, has } from './call.ts';

/**
 * Registers gradients that are 0 at the kinks of |x| (at 0) and of ReLU6 (at 6), as PyTorch's are. TensorFlow.js gives −1
 * and 1 there. Ties are common: after a ReLU many numbers are exactly 0, and so are their differences.
 */
export function registerKinkGradients(): void {
  if (isNative()) {
    // One pass instead of four.
    nativeKernel(
      'Relu6Grad',
      ({ inputs: { dy, x } }) => execute('Relu6Grad', [type('T', types.float32)], [dy, x])[0],
    );
  }
  tf.registerGradient({
    kernelName: tf.Abs,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy as tf.Tensor, tf.sign(tf.cast(x, 'float32'))) }),
  });
  tf.registerGradient({
    kernelName: tf.Relu6,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({
      x: () =>
        has('Relu6Grad')
          ? call('Relu6Grad', { dy: dy as tf.Tensor, x })
          : tf.mul(dy as tf.Tensor, tf.cast(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 6)), 'float32')),
    }),
  });
}
