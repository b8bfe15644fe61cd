import { scheduled } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { type TapShapes, TapError } from './term.ts';

/** What terms on logits share. */

export const temperatureSchema = scheduled({ minimum: 1e-3, maximum: 1000 }).describe(
  'T, by which logits are divided',
);

/**
 * The number of classes of both networks.
 *
 * @throws TapError when they differ
 */
export function sharedClasses(student: TapShapes, teacher: TapShapes): number {
  const [classes] = student.logits;
  if (classes === teacher.logits[0]) return classes;
  throw new TapError('', `the student has ${classes} classes, the teacher ${teacher.logits[0]}`, undefined);
}

/**
 * KL(p ‖ q), summed over classes, averaged over the batch. From logarithms: a probability that is 0 in float32 still
 * has a finite one, and 0 times it is 0.
 *
 * @param p log-probabilities, `[batch, K]`
 * @param q likewise
 */
export function divergence(p: tf.Tensor, q: tf.Tensor): tf.Tensor {
  return tf.mean(tf.sum(tf.mul(tf.exp(p), tf.sub(p, q)), -1));
}
