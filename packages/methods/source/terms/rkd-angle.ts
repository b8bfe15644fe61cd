import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { nothing, smoothL1, unit } from '../arithmetic.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(50),
  ...vectorPairOptions,
});

/**
 * Relational distillation by angle: smooth L1 between the two networks' cosines of the angles that all triplets of a
 * batch span (Park et al., CVPR 2019, arXiv:1904.05068). It holds batch²·D and batch³ numbers.
 *
 * As in the reference, the mean runs over all B³ places, those with equal samples among them. Two samples with the
 * same features span no angle and get no slope, where the reference passes on 1e12 times what arrives. In a batch of
 * fewer than three samples there is no angle: the loss is 0, without slope.
 */
export const rkdAngle: Term<typeof options> = {
  type: 'rkd_angle',
  summary: 'Smooth L1 between the angles of triplets of samples within a batch',
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
        if (s.shape[0] < 3) return nothing(s);
        return smoothL1(cosines(s), cosines(teacher[taps.teacher]));
      },
    };
  },
};

/** `[batch, D]` → `[batch, batch, batch]`: at i, the cosine between the directions to j and to k. */
function cosines(features: tf.Tensor): tf.Tensor {
  const directions = unit(tf.sub(tf.expandDims(features, 0), tf.expandDims(features, 1)));
  return tf.matMul(directions, directions, false, true);
}
