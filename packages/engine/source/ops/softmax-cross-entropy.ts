import * as tf from '@tensorflow/tfjs-core';
import { probabilities, type Target } from '../labels.ts';
import { execute, isNative, type, types } from '../backends/native.ts';

/**
 * Computes the cross-entropy −Σ_k target_k · log softmax(logits)_k of each sample.
 *
 * @param logits `[batch, K]`
 * @param target a constant: class numbers `[batch]`, int32, or probabilities `[batch, K]`
 * @returns `[batch]`
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, target: Target): tf.Tensor1D {
  if (!isNative()) return tf.tidy(() => composed(logits, target));
  return tf.customGrad((input, save) => {
    const inputs = [input as tf.Tensor, target];
    const float32 = type('T', types.float32);
    const [value, slope] =
      target.rank === 1
        ? execute('SparseSoftmaxCrossEntropyWithLogits', [float32, type('Tlabels', types.int32)], inputs, 2)
        : execute('SoftmaxCrossEntropyWithLogits', [float32], inputs, 2);
    (save as tf.GradSaveFunc)([slope]);
    return {
      value: value as tf.Tensor1D,
      gradFunc: (dy: tf.Tensor, [kept]: tf.Tensor[]) => tf.mul(kept, tf.expandDims(dy, -1)),
    };
  })(logits);
}

function composed(logits: tf.Tensor2D, target: Target): tf.Tensor1D {
  return tf.neg(tf.sum(tf.mul(probabilities(target, logits.shape[1]), logSoftmax(logits)), -1));
}

/**
 * Computes the logarithm of softmax over the last axis. It is finite even where softmax itself would be 0.
 *
 * @param x `[batch, K]`
 */
export function logSoftmax<T extends tf.Tensor>(x: T): T {
  if (!isNative()) return tf.logSoftmax(x);
  return tf.customGrad((input, save) => {
    const [value] = execute('LogSoftmax', [type('T', types.float32)], [input as tf.Tensor]);
    (save as tf.GradSaveFunc)([value]);
    return {
      value: value as T,
      gradFunc: (dy: tf.Tensor, [kept]: tf.Tensor[]) =>
        tf.sub(dy, tf.mul(tf.sum(dy, -1, true), tf.exp(kept))),
    };
  })(x);
}
