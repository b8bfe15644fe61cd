import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type TapShapes, type Term, TapError } from '../term.ts';

const options = z.strictObject({ weight: weightSchema.default(1) });

const tap = 'input_gradient';

/**
 * Gradient matching: ‖∂CE(z_s, y)/∂x − ∂CE(z_t, y)/∂x‖², summed over the pixels of x and averaged over the batch
 * (Zagoruyko and Komodakis, 2017, section 3.2, arXiv:1612.03928; for the sensitivity of outputs other than the loss,
 * Srinivas and Fleuret, 2018, arXiv:1803.00443). The tap is `[batch, pixels·channels]`.
 *
 * The student's gradient is taken in training mode and differentiated again: the gradient of this loss is an exact
 * second-order gradient. It makes a step four to eight times as long (measured: LightNN four, ResNet-8 seven). The
 * pixels are the normalised input of the networks.
 */
export const gradient: Term<typeof options> = {
  type: 'gradient',
  summary: 'Matches the gradients of the cross-entropy with respect to the input pixels, by squared error.',
  formula: '‖∂CE(z_s, y)/∂x − ∂CE(z_t, y)/∂x‖², summed over the pixels of x, averaged over the batch',
  reference: 'https://arxiv.org/abs/1612.03928',
  options,
  bind(_choice, studentTaps, teacherTaps) {
    requireInputGradient('student', studentTaps);
    requireInputGradient('teacher', teacherTaps);
    return {
      student: [tap],
      teacher: [tap],
      matching: true,
      auxiliary: {},
      loss({ student, teacher }) {
        const difference = tf.sub(student[tap], teacher[tap]);
        return tf.mean(tf.sum(tf.square(difference), -1));
      },
    };
  },
};

function requireInputGradient(side: 'student' | 'teacher', taps: TapShapes): void {
  if (tap in taps) return;
  throw new TapError(
    '',
    `the ${side} has no tap ${tap}: it must be a single network with the job's classes, and every operation in it must be differentiable`,
    undefined,
  );
}
