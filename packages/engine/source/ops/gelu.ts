import * as tf from '@tensorflow/tfjs-core';
import { execute, hasKernels, type, types } from '../backends/native.ts';

/**
 * Computes x·Φ(x) with Φ(x) = (1 + erf(x/√2)) / 2 (Hendrycks and Gimpel, 2016, arXiv:1606.08415): PyTorch's default,
 * not the approximation by tanh. Its derivative is Φ(x) + x·φ(x) with φ(x) = exp(−x²/2) / √(2π).
 *
 * @param x a tensor of any shape
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return (hasKernels() ? native : composed)(x);
}

function native(x: tf.Tensor): tf.Tensor {
  const attributes = [type('T', types.float32)];
  return tf.customGrad((input, save) => {
    const given = input as tf.Tensor;
    (save as tf.GradSaveFunc)([given]);
    return {
      value: execute('DistilleryGelu', attributes, [given])[0],
      gradFunc: (dy: tf.Tensor, [at]: tf.Tensor[]) => execute('DistilleryGeluGrad', attributes, [dy, at])[0],
    };
  })(x);
}

function composed(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const given = input as tf.Tensor;
    const share = tf.mul(tf.add(tf.erf(tf.mul(given, Math.SQRT1_2)), 1), 0.5);
    (save as tf.GradSaveFunc)([given, share]);
    return {
      value: tf.mul(given, share),
      gradFunc: (dy: tf.Tensor, [at, below]: tf.Tensor[]) => {
        const density = tf.mul(tf.exp(tf.mul(tf.square(at), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return tf.mul(dy, tf.add(below, tf.mul(at, density)));
      },
    };
  })(x);
}
