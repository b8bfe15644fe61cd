import { softmaxCrossEntropy } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { logitsTap, sharedClasses } from '../logits.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema
    .default(1)
    .describe('Weight of the term in the total loss. The paper gives it the same weight as cross-entropy.'),
  student: z
    .string()
    .max(64)
    .optional()
    .describe(
      'Tap of the student\'s logits. Defaults to "distillation" if the student has such a head, else to "logits".',
    ),
});

/**
 * Hard-label distillation: cross-entropy with the class that the teacher predicts, −mean log softmax(z_s)_y with y =
 * argmax z_t (Touvron et al., ICML 2021, arXiv:2012.12877). Among equal logits the first class wins. z_s, `[batch, K]`,
 * are the logits of the student's head on the distillation token if it has one.
 */
export const deitHard: Term<typeof options> = {
  type: 'deit_hard',
  summary: 'Trains on the class that the teacher predicts, by cross-entropy, as if it were the label.',
  formula: '−mean log softmax(z_s)_y, y = argmax z_t',
  reference: 'https://arxiv.org/abs/2012.12877',
  options,
  bind(choice, studentTaps, teacherTaps) {
    sharedClasses(studentTaps, teacherTaps);
    const own = Object.hasOwn(studentTaps, 'distillation') ? 'distillation' : 'logits';
    const tap = logitsTap(choice.student, own, studentTaps);
    return {
      student: [tap],
      teacher: ['logits'],
      // An uncertain teacher has a loss against its own predicted class.
      matching: false,
      auxiliary: {},
      loss({ student, teacher }) {
        const decided = tf.argMax<tf.Tensor1D>(teacher.logits, -1);
        return tf.mean(softmaxCrossEntropy(student[tap] as tf.Tensor2D, decided));
      },
    };
  },
};
