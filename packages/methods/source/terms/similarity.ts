import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { meanSquaredError, rows, unit } from '../arithmetic.ts';
import { anyPair, anyPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(3000),
  ...anyPairOptions,
});

/**
 * Similarity-preserving distillation: ‖R(G_t) − R(G_s)‖²/B², where G = F·Fᵀ, `[batch, batch]`, holds the products of
 * all pairs of samples and R scales its rows to length 1 (Tung and Mori, ICCV 2019, arXiv:1907.09682). The taps may be
 * maps or vectors of any size.
 *
 * It differs from the reference implementation only for a sample without any activity: its row is 0 and gets no
 * gradient, where the reference multiplies the gradient by 1e12.
 */
export const similarity: Term<typeof options> = {
  type: 'similarity',
  summary: 'Matches the similarities between samples within a batch, by squared error.',
  formula: '‖R(G_t) − R(G_s)‖²/B², G = F·Fᵀ of the flattened taps, R scales rows to length 1',
  reference: 'https://arxiv.org/abs/1907.09682',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = anyPair(choice, studentTaps, teacherTaps);
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      matching: true,
      auxiliary: {},
      loss: ({ student, teacher }) =>
        meanSquaredError(similarities(student[taps.student]), similarities(teacher[taps.teacher])),
    };
  },
};

/** Computes the products of all pairs, with rows of length 1: `[batch, …]` → `[batch, batch]`. */
function similarities(tap: tf.Tensor): tf.Tensor {
  const x = rows(tap);
  return unit(tf.matMul(x, x, false, true));
}
