import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { zeroLoss, smoothL1 } from '../arithmetic.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(25),
  ...vectorPairOptions,
});

/**
 * Relational distillation by distance: smooth L1 between the two networks' distances of all pairs of samples in a
 * batch, each divided by its mean distance between different samples, from features `[batch, D]` (Park et al., CVPR
 * 2019, arXiv:1904.05068).
 *
 * As in the reference implementation, a squared distance is at least 1e-12, so equal samples have a distance of 1e-6,
 * and the mean runs over all B² entries, including the zeros of the diagonal. Features are centred first, which only
 * reduces rounding in float32. A batch of one sample has no pairs: its loss and gradient are 0, where the reference
 * gives NaN.
 */
export const rkdDistance: Term<typeof options> = {
  type: 'rkd_distance',
  summary: 'Matches the relative distances between samples within a batch, by smooth L1.',
  formula: 'mean smoothL1(d_s/μ_s − d_t/μ_t), d_ij = ‖f_i − f_j‖, μ the mean of d over i ≠ j',
  reference: 'https://arxiv.org/abs/1904.05068',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = vectorPair(choice, studentTaps, teacherTaps);
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      matching: true,
      auxiliary: {},
      loss({ student, teacher }) {
        const s = student[taps.student];
        if (s.shape[0] < 2) return zeroLoss(s);
        return smoothL1(relativeDistances(s), relativeDistances(teacher[taps.teacher]));
      },
    };
  },
};

/** Computes all distances, scaled so that their mean over different samples is 1: `[batch, D]` → `[batch, batch]`. */
function relativeDistances(features: tf.Tensor): tf.Tensor {
  const [batch] = features.shape;
  const x = tf.sub(features, tf.mean(features, 0));
  const squares = tf.sum(tf.square(x), 1, true);
  const products = tf.matMul(x, x, false, true);
  const squared = tf.sub(tf.add(squares, tf.transpose(squares)), tf.mul(products, 2));
  // The square root has no derivative at 0.
  const distances = tf.mul(tf.sqrt(tf.maximum(squared, 1e-12)), tf.sub(1, tf.eye(batch)));
  return tf.div(distances, tf.div(tf.sum(distances), batch * (batch - 1)));
}
