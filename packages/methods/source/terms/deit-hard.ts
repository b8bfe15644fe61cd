import { softmaxCrossEntropy } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { logitsTap, sharedClasses } from '../logits.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1).describe('the paper gives it and cross-entropy the same'),
  student: z
    .string()
    .max(64)
    .optional()
    .describe("the student's logits; default: distillation where it has a head for it, else logits"),
});

/**
 * Hard-label distillation: cross-entropy with the teacher's decision, −mean log softmax(z_s)_y of y = argmax z_t
 * (Touvron et al., ICML 2021, arXiv:2012.12877). Of equal logits the first decides. z_s are the logits of the head on the
 * distillation token, where the student has one.
 */
export const deitHard: Term<typeof options> = {
  type: 'deit_hard',
  summary: "Cross-entropy with the class that the teacher decides for, as if it were the label's",
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
      // A teacher that is not certain differs from its own decision.
      matching: false,
      auxiliary: {},
      loss({ student, teacher }) {
        const decided = tf.argMax<tf.Tensor1D>(teacher.logits, -1);
        return tf.mean(softmaxCrossEntropy(student[tap] as tf.Tensor2D, decided));
      },
    };
  },
};
