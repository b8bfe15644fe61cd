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
 * Similarity-preserving distillation: ‖R(G_t) − R(G_s)‖²/B², G = F·Fᵀ being the products of all pairs of a batch, R
 * its rows scaled to length 1 (Tung and Mori, ICCV 2019, arXiv:1907.09682). Taps may be maps or vectors of any size.
 *
 * Differs from the reference only at a sample without any activity: its row is 0 and gets no slope, where the
 * reference passes on 1e12 times what arrives.
 */
export const similarity: Term<typeof options> = {
  type: 'similarity',
  summary: 'Squared difference of the similarities of samples within a batch',
  formula: '‖R(G_t) − R(G_s)‖²/B², G = F·Fᵀ of the flattened taps, R: rows scaled to length 1',
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

/** `[batch, …]` → `[batch, batch]` */
function similarities(tap: tf.Tensor): tf.Tensor {
  const x = rows(tap);
  return unit(tf.matMul(x, x, false, true));
}
