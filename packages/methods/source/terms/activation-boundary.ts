import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { connectors, sumHalvingBackwards } from '../connectors.ts';
import { preActivationPairs, preActivationPairsOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  ...preActivationPairsOptions,
  margin: z
    .number()
    .min(0)
    .max(1e6)
    .default(1)
    .describe('Distance from 0 that the student must keep, on the side of the sign of the teacher.'),
});

/**
 * Activation boundaries: matches which neurons are active, whatever their values. The loss is the sum over stages l of
 * 2^(l − L)·(3/1000)/B times Σ [(s + m)²·1(s > −m, t ≤ 0) + (s − m)²·1(s ≤ m, t > 0)] over batch and elements, with the
 * margin m (Heo et al., AAAI 2019, arXiv:1811.03233).
 *
 * The loss is meant for maps before ReLU, `[batch, height, width, channels]`, and uses only the signs of the teacher's.
 * After ReLU the teacher's maps give the same signs, but the student's can never fall below 0. The factors and the
 * halving towards the first stage come from the common reference implementation, which trains this loss alone before it
 * trains on the labels; `piecewise` weights do the same here. Maps of different sizes are average-pooled to the smaller
 * (the sign is then that of the mean), where the reference uses a strided convolution.
 */
export const activationBoundary: Term<typeof options> = {
  type: 'activation_boundary',
  summary: "Matches the signs of the teacher's pre-activations with a squared hinge loss.",
  formula:
    'Σ_l 2^(l − L)·(3/1000)/B·Σ [(s + m)²·1(s > −m, t ≤ 0) + (s − m)²·1(s ≤ m, t > 0)], m the margin, L the last stage',
  reference: 'https://arxiv.org/abs/1811.03233',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = preActivationPairs(choice, studentTaps, teacherTaps);
    const { auxiliary, pair } = connectors(stages, studentTaps, teacherTaps);
    return {
      student: stages.map(({ student }) => student),
      teacher: stages.map(({ teacher }) => teacher),
      // The teacher itself may violate the margin.
      matching: false,
      auxiliary,
      loss: (batch) =>
        sumHalvingBackwards(
          stages.map((_, stage) => {
            const [s, t] = pair(stage, batch);
            // Both cases in one formula: with σ = 1 (active) or −1, the loss is (m − σ·s)² wherever m − σ·s > 0.
            const side = tf.sub(tf.mul(tf.step(t), 2), 1);
            const short = tf.relu(tf.sub(choice.margin, tf.mul(s, side)));
            return tf.mul(tf.sum(tf.square(short)), 3 / 1000 / s.shape[0]);
          }),
        ),
    };
  },
};
