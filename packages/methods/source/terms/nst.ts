import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { unit } from '../arithmetic.ts';
import { atSmallerSize, positions } from '../maps.ts';
import { mapPairs, mapPairsOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(50),
  ...mapPairsOptions,
});

/**
 * Neuron selectivity transfer: the squared maximum mean discrepancy between the channels of two maps, mean k(t, t) +
 * mean k(s, s) − 2·mean k(s, t) with k(a, b) = (a·b)², summed over stages (Huang and Wang, 2017, arXiv:1707.01219).
 * Each channel of a map, `[batch, height, width, channels]`, is scaled to length 1 over positions.
 *
 * As in the common reference implementation, the kernel is the polynomial of degree 2 without its constant and the
 * larger map is adaptively average-pooled. Height and width are each pooled to the smaller; the reference compares
 * heights only.
 */
export const nst: Term<typeof options> = {
  type: 'nst',
  summary:
    'Matches the distributions of channels by where they are active, with the maximum mean discrepancy.',
  formula:
    'Σ_stages mean k(t, t) + mean k(s, s) − 2·mean k(s, t), k(a, b) = (a·b)² of channels scaled to length 1 over positions',
  reference: 'https://arxiv.org/abs/1707.01219',
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
            const maps = atSmallerSize(student[pair.student], teacher[pair.teacher]);
            const [s, t] = maps.map((map) => unit(positions(map), 1));
            return tf.sub(tf.add(kernel(t, t), kernel(s, s)), tf.mul(kernel(s, t), 2));
          }),
        ),
    };
  },
};

/** Computes the mean of (a·b)² over all pairs of channels and the batch, from `[batch, positions, channels]`. */
function kernel(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.mean(tf.square(tf.matMul(a, b, true)));
}
