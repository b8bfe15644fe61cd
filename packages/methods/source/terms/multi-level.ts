import { logSoftmax } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence, sharedClasses } from '../logits.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  temperatures: z
    .array(z.number().min(1e-3).max(1000))
    .min(1)
    .max(16)
    .default([2, 3, 4, 5, 6])
    .describe('Temperatures over which the loss is summed.'),
});

/**
 * Multi-level logit distillation: with p = softmax(z/T), `[batch, K]`, the sum over temperatures of T²·KL(p_t ‖ p_s) +
 * ‖p_t·p_tᵀ − p_s·p_sᵀ‖²/B + ‖p_tᵀ·p_t − p_sᵀ·p_s‖²/K, which compares single samples, relations between samples, and
 * relations between classes (Jin, Wang and Lin, CVPR 2023, "Multi-Level Logit Distillation"; it has no arXiv id).
 *
 * The default temperatures are those of the reference implementation. It sums a weak and a strong augmentation of each
 * image, weighs the sum by 0.9 beside 0.1 of cross-entropy, and multiplies some of the means by a mask of the samples
 * or classes of which the teacher is no more certain than of the median one; as the means are already scalars, this
 * halves them. This term is the paper's formula over one augmentation, without the mask.
 */
export const multiLevel: Term<typeof options> = {
  type: 'multi_level',
  summary:
    'Matches predictions and their relations between samples and between classes, at several temperatures.',
  formula: 'Σ_T [T²·KL(p_t ‖ p_s) + ‖p_t·p_tᵀ − p_s·p_sᵀ‖²/B + ‖p_tᵀ·p_t − p_sᵀ·p_s‖²/K], p = softmax(z/T)',
  reference:
    'https://openaccess.thecvf.com/content/CVPR2023/html/Jin_Multi-Level_Logit_Distillation_CVPR_2023_paper.html',
  options,
  bind({ temperatures }, studentTaps, teacherTaps) {
    const classes = sharedClasses(studentTaps, teacherTaps);
    return {
      student: ['logits'],
      teacher: ['logits'],
      matching: true,
      auxiliary: {},
      loss: ({ student, teacher }) =>
        tf.addN(
          temperatures.map((temperature) => {
            const [q, p] = [student.logits, teacher.logits].map((z) => logSoftmax(tf.div(z, temperature)));
            const [s, t] = [tf.exp(q), tf.exp(p)];
            const samples = tf.sub(tf.matMul(t, t, false, true), tf.matMul(s, s, false, true));
            const among = tf.sub(tf.matMul(t, t, true), tf.matMul(s, s, true));
            return tf.addN([
              tf.mul(divergence(p, q), temperature * temperature),
              tf.div(tf.sum(tf.square(samples)), s.shape[0]),
              tf.div(tf.sum(tf.square(among)), classes),
            ]);
          }),
        ),
    };
  },
};
