import { logSoftmax } from '@distillery/engine';
import { scheduled, weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence, sharedClasses } from '../logits.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema
    .default(0.9)
    .describe('Weight of the term in the total loss. The paper uses 0.9, beside 0.1 of cross-entropy.'),
  minimum: z.number().min(0.1).max(1000).default(1).describe('Smallest temperature.'),
  range: z.number().min(0.1).max(1000).default(20).describe('Largest temperature minus the smallest.'),
  adversity: scheduled({ minimum: 0, maximum: 100 })
    .default({ schedule: 'cosine', from: 0.02, to: 1, epochs: 10 })
    .describe('Factor λ by which the temperature is trained against the student.'),
});

/**
 * Curriculum temperature: soft targets, T²·KL(softmax(z_t/T) ‖ softmax(z_s/T)) of logits `[batch, K]`, with a
 * temperature T = minimum + range·sigmoid(θ) that is trained to make them harder while the student learns them: θ gets
 * −λ times the gradient of the loss (CTKD: Li et al., AAAI 2023, arXiv:2211.16231; gradient reversal: Ganin and
 * Lempitsky, 2015, arXiv:1409.7495). By default λ rises to 1 over the first 10 epochs, along a cosine.
 *
 * All samples share one temperature, the paper's global variant. θ starts at 1, as in the reference implementation.
 * There λ changes once an epoch and is 0.024 in the first; here it changes with each step and starts at 0.02 rather
 * than at 0, so that θ is trained from the start. `gradientClip` and the preflight see the reversed gradient.
 */
export const curriculumTemperature: Term<typeof options> = {
  type: 'curriculum_temperature',
  summary:
    'Matches softened predictions by KL divergence, with a temperature that is trained to make the task harder.',
  formula:
    'T²·KL(p_t ‖ p_s), p = softmax(z/T), T = minimum + range·sigmoid(θ); θ ascends by λ times its gradient',
  reference: 'https://arxiv.org/abs/2211.16231',
  options,
  bind({ minimum, range, adversity }, studentTaps, teacherTaps) {
    const classes = sharedClasses(studentTaps, teacherTaps);
    return {
      student: ['logits'],
      teacher: ['logits'],
      matching: true,
      auxiliary: {
        temperature: { inputShape: [classes], forward: (net) => net.freeParameter('theta', [1], 1) },
      },
      loss({ student, teacher, auxiliary, at }) {
        const theta = reversed(auxiliary('temperature', student.logits), at(adversity));
        const T = tf.add(tf.mul(tf.sigmoid(theta), range), minimum);
        const [q, p] = [student.logits, teacher.logits].map((z) => logSoftmax(tf.div(z, T)));
        return tf.mul(divergence(p, q), tf.reshape(tf.square(T), []));
      },
    };
  },
};

/** Returns x unchanged and multiplies its gradient by −strength. */
function reversed(x: tf.Tensor, strength: number | tf.Scalar): tf.Tensor {
  return tf.customGrad((input, save) => {
    (save as tf.GradSaveFunc)([tf.neg(strength)]);
    return {
      value: tf.clone(input as tf.Tensor),
      gradFunc: (dy: tf.Tensor, [factor]: tf.Tensor[]) => tf.mul(dy, factor),
    };
  })(x);
}
