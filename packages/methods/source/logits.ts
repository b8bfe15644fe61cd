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
 * The student's logits that an option names: a head of its own, as `distillation` of a vision transformer.
 *
 * @throws TapError when there is no such tap, or it does not have a number for each class
 */
export function logitsTap(named: string | undefined, fallback: string, taps: TapShapes): string {
  const tap = named ?? fallback;
  const heads = Object.keys(taps).filter((name) => `${taps[name]}` === `${taps.logits}`);
  if (heads.includes(tap)) return tap;
  const found = Object.hasOwn(taps, tap)
    ? `the student's ${tap} [${taps[tap]}] is not for ${taps.logits[0]} classes`
    : `the student has no tap ${JSON.stringify(tap)}`;
  throw new TapError('/student', found, named, heads);
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
