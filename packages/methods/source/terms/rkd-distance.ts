import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { nothing, smoothL1 } from '../arithmetic.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(25),
  ...vectorPairOptions,
});

/**
 * Relational distillation by distance: smooth L1 between the two networks' distances of all pairs of a batch, each
 * over its mean non-zero distance (Park et al., CVPR 2019, arXiv:1904.05068).
 *
 * As in the reference, a squared distance is at least 1e-12, so equal samples count with a distance of 1e-6, and the
 * mean runs over all B² places, the diagonal's zeros among them. Distances are taken from centred features, which
 * changes nothing but float32's loss of digits. In a batch of one sample there is no pair: the loss is 0, without
 * slope, where the reference is NaN.
 */
export const rkdDistance: Term<typeof options> = {
  type: 'rkd_distance',
  summary: 'Smooth L1 between the relative distances of samples within a batch',
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
        if (s.shape[0] < 2) return nothing(s);
        return smoothL1(relativeDistances(s), relativeDistances(teacher[taps.teacher]));
      },
    };
  },
};

/** `[batch, D]` → `[batch, batch]`, the mean over different samples being 1. */
function relativeDistances(features: tf.Tensor): tf.Tensor {
  const [batch] = features.shape;
  const x = tf.sub(features, tf.mean(features, 0));
  const squares = tf.sum(tf.square(x), 1, true);
  const products = tf.matMul(x, x, false, true);
  const squared = tf.sub(tf.add(squares, tf.transpose(squares)), tf.mul(products, 2));
  // The square root has no slope at 0.
  const distances = tf.mul(tf.sqrt(tf.maximum(squared, 1e-12)), tf.sub(1, tf.eye(batch)));
  return tf.div(distances, tf.div(tf.sum(distances), batch * (batch - 1)));
}
