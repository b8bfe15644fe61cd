import type { Forward } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { atSmallerSize } from '../maps.ts';
import { mapPairs, mapPairsOptions } from '../taps.ts';
import type { Auxiliary, Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  ...mapPairsOptions,
});

/**
 * Variational information distillation: models the teacher's map as normally distributed around the output of a small
 * network μ of the student's map, with a variance for each channel. The loss is the sum over stages of half the mean of
 * (μ(F_s) − F_t)²/σ² + ln σ², where σ² = softplus(α) + 1e-5 and α is a trained number for each channel that starts at 5
 * (Ahn et al., CVPR 2019, arXiv:1904.05835). Maps are `[batch, height, width, channels]`.
 *
 * μ has three 1×1 convolutions as wide as the teacher's map, with ReLU between them. The larger map is average-pooled
 * to the smaller. The loss is a negative log-likelihood without its constant, so it falls below 0 once the fit is good.
 */
export const variational: Term<typeof options> = {
  type: 'variational',
  summary:
    "Predicts the teacher's map from the student's, by negative log-likelihood with a trained variance.",
  formula:
    'Σ_stages ½·mean [(μ(F_s) − F_t)²/σ² + ln σ²], μ a trained network, σ² = softplus(α) + 1e-5, α trained, one for each channel',
  reference: 'https://arxiv.org/abs/1904.05835',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = mapPairs(choice, studentTaps, teacherTaps);
    const networks = stages.map(({ student, teacher }): [mean: Auxiliary, variance: Auxiliary] => {
      const [from, to] = [studentTaps[student], teacherTaps[teacher]];
      const inputShape = [Math.min(from[0], to[0]), Math.min(from[1], to[1]), from[2]];
      return [
        { inputShape, forward: mean(to[2]) },
        { inputShape, forward: (net) => net.freeParameter('alpha', [to[2]], 5) },
      ];
    });
    return {
      student: stages.map(({ student }) => student),
      teacher: stages.map(({ teacher }) => teacher),
      // Equal maps still have the error of μ as their loss.
      matching: false,
      auxiliary: Object.fromEntries(
        networks.flatMap(([mean, variance], stage) => [
          [`mean${stage + 1}`, mean],
          [`variance${stage + 1}`, variance],
        ]),
      ),
      loss: ({ student, teacher, auxiliary }) =>
        tf.addN(
          stages.map((pair, stage) => {
            const [s, t] = atSmallerSize(student[pair.student], teacher[pair.teacher]);
            const alpha = auxiliary(`variance${stage + 1}`, s);
            const variance = tf.add(tf.softplus(alpha), 1e-5);
            const squared = tf.square(tf.sub(auxiliary(`mean${stage + 1}`, s), t));
            // Averaging per channel first leaves few numbers for the division and the logarithm.
            const error = tf.mean(squared, [0, 1, 2]);
            return tf.mul(tf.mean(tf.add(tf.div(error, variance), tf.log(variance))), 0.5);
          }),
        ),
    };
  },
};

function mean(out: number): Forward {
  return (net, x) => {
    const conv = (name: string, y: typeof x) => net.conv(name, y, { out, kernel: 1, bias: false });
    return conv('conv3', net.relu(conv('conv2', net.relu(conv('conv1', x)))));
  };
}
