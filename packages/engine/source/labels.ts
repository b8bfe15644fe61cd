import * as tf from '@tensorflow/tfjs-core';

/** The classes of a batch. It is a type because tf.tidy does not accept interfaces. */
export type Labels = {
  /** The class of each sample, `[batch]`, int32. */
  labels: tf.Tensor1D;
  /** Where some samples have no class: 1 for those that have one, 0 for the others, whose class number means nothing, `[batch]`. */
  labelled?: tf.Tensor1D | undefined;
  /** Where samples are mixed from two: the class of the second, `[batch]`, int32, and the share of the first, `[batch]`. */
  mixed?: { labels: tf.Tensor1D; shares: tf.Tensor1D } | undefined;
};

/** What cross-entropy compares predictions with: class numbers `[batch]`, int32, or probabilities `[batch, classes]`. */
export type Target = tf.Tensor1D | tf.Tensor2D;

/**
 * Returns the labels as a target: class numbers, or for mixed samples the probabilities share·onehot(first) + (1 −
 * share)·onehot(second) (Zhang et al., ICLR 2018, "mixup", arXiv:1710.09412). Call it in a tidy.
 */
export function targetOf({ labels, mixed }: Labels, classes: number): Target {
  if (mixed === undefined) return labels;
  const shares = tf.expandDims(mixed.shares, 1);
  return tf.add<tf.Tensor2D>(
    tf.mul(probabilities(labels, classes), shares),
    tf.mul(probabilities(mixed.labels, classes), tf.sub(1, shares)),
  );
}

/** Returns a target as probabilities, `[batch, classes]`. */
export function probabilities(target: Target, classes: number): tf.Tensor2D {
  return target.rank === 1
    ? tf.cast(tf.oneHot(target as tf.Tensor1D, classes) as tf.Tensor2D, 'float32')
    : (target as tf.Tensor2D);
}
