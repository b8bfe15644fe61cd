import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { unit } from '../arithmetic.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(30_000),
  ...vectorPairOptions,
});

const EPSILON = 1e-7;

/**
 * Probabilistic knowledge transfer: the mean over all pairs of a batch of P_t·ln((P_t + 1e-7)/(P_s + 1e-7)), where P is
 * (cos + 1)/2 between the features of a pair, `[batch, batch]`, with each row scaled to the sum 1 (Passalis and Tefas,
 * ECCV 2018, arXiv:1803.10837).
 *
 * As in the reference implementation, the mean runs over the B² pairs, where a KL divergence would sum over a row. The
 * reference adds 1e-7 to each length; here only vectors of length 0 are treated specially: their cosines and gradients
 * are 0.
 */
export const pkt: Term<typeof options> = {
  type: 'pkt',
  summary: 'Matches the probabilities with which samples of a batch are neighbours, by their divergence.',
  formula:
    'mean_ij P_t·ln((P_t + 1e-7)/(P_s + 1e-7)), P_ij = (cos(f_i, f_j) + 1)/2 with rows scaled to the sum 1',
  reference: 'https://arxiv.org/abs/1803.10837',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = vectorPair(choice, studentTaps, teacherTaps);
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      matching: true,
      auxiliary: {},
      loss({ student, teacher }) {
        const s = neighbours(student[taps.student]);
        const t = neighbours(teacher[taps.teacher]);
        const log = (p: tf.Tensor) => tf.log(tf.add(p, EPSILON));
        return tf.mean(tf.mul(t, tf.sub(log(t), log(s))));
      },
    };
  },
};

/** Computes the probabilities P of all pairs: `[batch, D]` → `[batch, batch]`. */
function neighbours(features: tf.Tensor): tf.Tensor {
  const directions = unit(features);
  const cosines = tf.matMul(directions, directions, false, true);
  // Rounding can take a cosine below −1; its logarithm would be NaN.
  const shares = tf.relu(tf.div(tf.add(cosines, 1), 2));
  return tf.div(shares, tf.sum(shares, 1, true));
}
