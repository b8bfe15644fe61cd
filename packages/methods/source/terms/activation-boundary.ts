import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { connectors, halved } from '../connectors.ts';
import { preActivationPairs, preActivationPairsOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  ...preActivationPairsOptions,
  margin: z.number().min(0).max(1e6).default(1).describe('how far on its side of 0 the student must be'),
});

/**
 * Activation boundaries: which neurons are on, whatever their values. Σ over stages l of 2^(l − L)·(3/1000)/B times
 * Σ [(s + m)²·1(s > −m, t ≤ 0) + (s − m)²·1(s ≤ m, t > 0)] over batch and elements, m being the margin
 * (Heo et al., AAAI 2019, arXiv:1811.03233).
 *
 * It means maps from before ReLU, of which only the signs of the teacher's matter; of maps from after it the teacher's
 * say the same, the student's never come below 0. Factors and the halving towards the first stage are the common
 * reference implementation's, which trains this loss alone before the labels; here it stands beside the others. Maps of
 * other sizes are average-pooled to the smaller, where the reference strides: a pooled sign is the sign of the mean.
 */
export const activationBoundary: Term<typeof options> = {
  type: 'activation_boundary',
  summary: "Squared hinge between the student's pre-activations and the signs of the teacher's",
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
      // The teacher itself need not keep the margin.
      matching: false,
      auxiliary,
      loss: (batch) =>
        halved(
          stages.map((_, stage) => {
            const [s, t] = pair(stage, batch);
            // Both cases are one: with σ = ±1 for on and off, (m − σ·s)² wherever m − σ·s is above 0.
            const side = tf.sub(tf.mul(tf.step(t), 2), 1);
            const short = tf.relu(tf.sub(choice.margin, tf.mul(s, side)));
            return tf.mul(tf.sum(tf.square(short)), 3 / 1000 / s.shape[0]);
          }),
        ),
    };
  },
};
