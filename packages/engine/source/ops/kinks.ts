import * as tf from '@tensorflow/tfjs-core';

/**
 * Registers gradients that are 0 at the kinks of |x| (at 0) and of ReLU6 (at 6), as PyTorch's are. TensorFlow.js gives −1
 * and 1 there. Ties are common: after a ReLU many numbers are exactly 0, and so are their differences.
 */
export function registerKinkGradients(): void {
  tf.registerGradient({
    kernelName: tf.Abs,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy as tf.Tensor, tf.sign(tf.cast(x, 'float32'))) }),
  });
  tf.registerGradient({
    kernelName: tf.Relu6,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({
      x: () => tf.mul(dy as tf.Tensor, tf.cast(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 6)), 'float32')),
    }),
  });
}
