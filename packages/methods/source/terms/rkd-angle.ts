import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { zeroLoss, smoothL1, unit } from '../arithmetic.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(50),
  ...vectorPairOptions,
});

/**
 * Relational distillation by angle: smooth L1 between the two networks' cosines of the angles of all triplets of
 * samples in a batch, from features `[batch, D]` (Park et al., CVPR 2019, arXiv:1904.05068). It allocates batch²·D and
 * batch³ numbers.
 *
 * As in the reference implementation, the mean runs over all B³ triplets, including those that repeat a sample. Two
 * samples with equal features have no angle and get no gradient, where the reference multiplies the gradient by 1e12. A
 * batch of fewer than three samples has no angles: its loss and gradient are 0.
 */
export const rkdAngle: Term<typeof options> = {
  type: 'rkd_angle',
  summary: 'Matches the angles between triplets of samples within a batch, by smooth L1.',
  formula: 'mean smoothL1(c_s − c_t), c_ijk = cos(f_j − f_i, f_k − f_i)',
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
        if (s.shape[0] < 3) return zeroLoss(s);
        return smoothL1(cosines(s), cosines(teacher[taps.teacher]));
      },
    };
  },
};

/** Computes at [i, j, k] the cosine of the angle at i between j and k: `[batch, D]` → `[batch, batch, batch]`. */
function cosines(features: tf.Tensor): tf.Tensor {
  const directions = unit(tf.sub(tf.expandDims(features, 0), tf.expandDims(features, 1)));
  return tf.matMul(directions, directions, false, true);
}
