import { scheduled } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { type TapShapes, TapError } from './term.ts';

/** Shared parts of terms that compare logits. */

export const temperatureSchema = scheduled({ minimum: 1e-3, maximum: 1000 }).describe(
  'Temperature T by which logits are divided. A larger one softens the predictions.',
);

/**
 * Returns the number of classes of both networks.
 *
 * @throws TapError if the networks differ in their numbers of classes
 */
export function sharedClasses(student: TapShapes, teacher: TapShapes): number {
  const [classes] = student.logits;
  if (classes === teacher.logits[0]) return classes;
  throw new TapError(
    '',
    `the student has ${classes} classes and the teacher ${teacher.logits[0]}: both must have the same`,
    undefined,
  );
}

/**
 * Resolves the tap of the student's logits that an option names, such as the `distillation` head of a vision
 * transformer.
 *
 * @throws TapError if the tap does not exist or does not have one value for each class
 */
export function logitsTap(named: string | undefined, fallback: string, taps: TapShapes): string {
  const tap = named ?? fallback;
  const heads = Object.keys(taps).filter((name) => `${taps[name]}` === `${taps.logits}`);
  if (heads.includes(tap)) return tap;
  const found = Object.hasOwn(taps, tap)
    ? `the student's ${tap} [${taps[tap]}] does not have one value for each of the ${taps.logits[0]} classes`
    : `the student has no tap ${JSON.stringify(tap)}`;
  throw new TapError('/student', found, named, heads);
}

/**
 * Computes KL(p ‖ q), summed over classes and averaged over the batch. It takes logarithms because a probability that
 * rounds to 0 in float32 still has a finite logarithm, and 0 times a finite number is 0.
 *
 * @param p log-probabilities, `[batch, K]`
 * @param q log-probabilities, `[batch, K]`
 * @param weights of the samples in the average, `[batch]`. Default: 1
 */
export function divergence(p: tf.Tensor, q: tf.Tensor, weights?: tf.Tensor): tf.Tensor {
  const ofSamples = tf.sum(tf.mul(tf.exp(p), tf.sub(p, q)), -1);
  return tf.mean(weights === undefined ? ofSamples : tf.mul(ofSamples, weights));
}
