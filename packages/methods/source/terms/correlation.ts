import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { zeroLoss } from '../arithmetic.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Auxiliary, Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(0.02),
  ...vectorPairOptions,
  width: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe('Width of the space to which both networks are projected.'),
});

/**
 * Correlation congruence: the mean over b of Σ_d |Δ_b|·|Δ_{b+1}|, where Δ is the difference of the two networks'
 * features, `[batch, D]`, after a trained linear layer on either side (Peng et al., ICCV 2019, arXiv:1904.01802).
 *
 * This is the loss of the common reference implementation; the paper compares correlation matrices by the expansion of
 * a Gaussian kernel. The loss depends on the order of the batch. Both layers get gradients, so they can make it small
 * without the student. A batch of one sample has no neighbours: its loss and gradient are 0, where the reference gives
 * NaN.
 */
export const correlation: Term<typeof options> = {
  type: 'correlation',
  summary:
    'Matches trained projections of the features, by products of the differences of neighbouring samples.',
  formula: 'mean_b Σ_d |Δ_b|·|Δ_{b+1}|, Δ = P(f_s) − P′(f_t), P and P′ trained linear layers',
  reference: 'https://arxiv.org/abs/1904.01802',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = vectorPair(choice, studentTaps, teacherTaps);
    const projector = (inputShape: number[]): Auxiliary => ({
      inputShape,
      forward: (net, x) => net.linear('linear', x, { out: choice.width }),
    });
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      // Equal features still have the difference of the two projectors as their loss.
      matching: false,
      auxiliary: {
        student: projector(studentTaps[taps.student]),
        teacher: projector(teacherTaps[taps.teacher]),
      },
      loss({ student, teacher, auxiliary }) {
        const s = auxiliary('student', student[taps.student]);
        const t = auxiliary('teacher', teacher[taps.teacher]);
        const [batch, width] = s.shape;
        const difference = tf.abs(tf.sub(s, t));
        if (batch < 2) return zeroLoss(difference);
        const from = (row: number) => tf.slice(difference, [row, 0], [batch - 1, width]);
        return tf.div(tf.sum(tf.mul(from(0), from(1))), batch - 1);
      },
    };
  },
};
