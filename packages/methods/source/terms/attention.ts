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
 * Attention transfer: Σ over stages of the mean of (Q_s − Q_t)², Q being the mean over channels of F², flattened and
 * scaled to length 1 (Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928).
 *
 * As in the reference implementation, and unlike the paper, the square of the distance is averaged over positions.
 * The larger map is pooled before it is squared. The reference looks at heights alone, here height and width are
 * pooled each to the smaller.
 */
export const attention: Term<typeof options> = {
  type: 'attention',
  summary: 'Squared difference of normalised attention maps (where a layer is active), summed over stages',
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
            return meanSquaredError(where(s), where(t));
          }),
        ),
    };
  },
};

/** `[batch, height, width, channels]` → `[batch, height·width]` */
function where(map: tf.Tensor): tf.Tensor {
  return unit(rows(energy(map)));
}

/** The mean of squares over channels. Its gradient is written out: the stock one makes two more maps. */
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
