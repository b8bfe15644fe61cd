import * as tf from '@tensorflow/tfjs-core';
import { execute, isNative, type, types } from '../native.ts';

/**
 * Cross-entropy −Σ_k target_k · log softmax(logits)_k of each sample.
 *
 * @param logits `[batch, K]`
 * @param target `[batch, K]`, probabilities; a constant
 * @returns `[batch]`
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, target: tf.Tensor2D): tf.Tensor1D {
  if (!isNative()) return tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1));
  return tf.customGrad((input, save) => {
    const attributes = [type('T', types.float32)];
    const inputs = [input as tf.Tensor, target];
    const [value, slope] = execute('SoftmaxCrossEntropyWithLogits', attributes, inputs, 2);
    (save as tf.GradSaveFunc)([slope]);
    return {
      value: value as tf.Tensor1D,
      gradFunc: (dy: tf.Tensor, [kept]: tf.Tensor[]) => tf.mul(kept, tf.expandDims(dy, -1)),
    };
  })(logits);
}
