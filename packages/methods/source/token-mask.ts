import * as tf from '@tensorflow/tfjs-core';
import type { TapShapes } from './term.ts';

/** The tap of networks for texts that is 1 for a token and 0 for padding, `[batch, tokens]`. */
const tap = 'tokens';

/**
 * The tap that a loss over tokens reads beside its own, so that padding does not count; none where the inputs are no texts. It is the
 * student's, because both networks read the same text.
 *
 * @param tokens the number of tokens of the taps that are compared
 */
export function tokenMaskTap(student: TapShapes, tokens: number): string[] {
  return `${student[tap]}` === `${[tokens]}` ? [tap] : [];
}

/**
 * The mask of a batch, `[batch, tokens]`; undefined where there is none.
 *
 * @param read what `tokenMaskTap` has returned
 */
export function tokenMask(
  student: Record<string, tf.Tensor>,
  read: readonly string[],
): tf.Tensor2D | undefined {
  return read.length === 0 ? undefined : (student[tap] as tf.Tensor2D);
}

/**
 * The mean of the elements that a mask keeps.
 *
 * @param mask 1 or 0 for each element, of a shape that broadcasts to that of x. Absent: all are kept
 */
export function maskedMean(x: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor {
  if (mask === undefined) return tf.mean(x);
  const kept = tf.mul(tf.sum(mask), x.size / mask.size);
  return tf.div(tf.sum(tf.mul(x, mask)), tf.maximum(kept, 1));
}
