import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { meanSquaredError, rows, unit } from '../arithmetic.ts';
import { atSmallerSize } from '../maps.ts';
import { mapPairs, mapPairsOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1000),
  ...mapPairsOptions,
});

/**
 * Attention transfer: the sum over stages of mean (Q_s − Q_t)², where Q is the mean over channels of F², flattened and
 * scaled to length 1 (Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928). F is `[batch, height, width, channels]`.
 *
 * As in the reference implementation, and unlike the paper, the squared distance is averaged over positions. The larger
 * map is average-pooled before it is squared. The reference compares heights only; here height and width are each
 * pooled to the smaller.
 */
export const attention: Term<typeof options> = {
  type: 'attention',
  summary: 'Matches attention maps, which show where a stage is active, by squared error summed over stages.',
  formula: 'Σ_stages mean (Q_s − Q_t)², Q = v/‖v‖, v the mean of F² over channels, flattened',
  reference: 'https://arxiv.org/abs/1612.03928',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = mapPairs(choice, studentTaps, teacherTaps);
    return {
      student: stages.map((pair) => pair.student),
      teacher: stages.map((pair) => pair.teacher),
      matching: true,
      auxiliary: {},
      loss: ({ student, teacher }) =>
        tf.addN(
          stages.map((pair) => {
            const [s, t] = atSmallerSize(student[pair.student], teacher[pair.teacher]);
            return meanSquaredError(attentionMap(s), attentionMap(t));
          }),
        ),
    };
  },
};

/**
 * Computes the attention of each position, at length 1: `[batch, height, width, channels]` → `[batch, height·width]`.
 */
function attentionMap(map: tf.Tensor): tf.Tensor {
  return unit(rows(energy(map)));
}

/**
 * Computes the mean of squares over channels. The gradient is written out because the stock one allocates two more
 * maps.
 */
function energy(map: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor4D;
    (save as tf.GradSaveFunc)([x]);
    return {
      value: tf.mean(tf.square(x), -1),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        tf.mul(saved, tf.mul(tf.expandDims(dy, -1), 2 / x.shape[3])),
    };
  })(map);
}
