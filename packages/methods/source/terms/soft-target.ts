import { logSoftmax } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence, sharedClasses, temperatureSchema } from '../logits.ts';
import { type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  temperature: temperatureSchema.default(4),
  standardize: z
    .boolean()
    .default(false)
    .describe(
      'Whether the logits of both networks are standardised: z ← (z − mean) / (1e-7 + sample standard deviation).',
    ),
});

/**
 * Soft targets: T²·KL(softmax(z_t/T) ‖ softmax(z_s/T)) of logits `[batch, K]`, summed over classes and averaged over
 * the batch (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531). The factor T² keeps the size of the gradient when T
 * changes. Standardised logits follow Sun et al., CVPR 2024, arXiv:2403.01427.
 */
export const softTarget: Term<typeof options> = {
  type: 'soft_target',
  summary: "Matches the teacher's softened predictions by KL divergence, times T².",
  formula: 'T²·KL(p_t ‖ p_s), p = softmax(z/T); standardised: z ← (z − mean z)/(1e-7 + sd z)',
  reference: 'https://arxiv.org/abs/1503.02531',
  options,
  bind({ temperature, standardize }, studentTaps, teacherTaps) {
    const classes = sharedClasses(studentTaps, teacherTaps);
    if (standardize && classes < 2)
      throw new TapError(
        '/standardize',
        `needs at least 2 classes, the networks have ${classes}`,
        standardize,
      );
    const soften = (logits: tf.Tensor, by: number | tf.Scalar) =>
      logSoftmax(tf.div(standardize ? standardized(logits) : logits, by));
    return {
      student: ['logits'],
      teacher: ['logits'],
      matching: true,
      auxiliary: {},
      loss({ student, teacher, at }) {
        const T = at(temperature);
        const q = soften(student.logits, T);
        const p = soften(teacher.logits, T);
        return tf.mul(divergence(p, q), tf.square(T));
      },
    };
  },
};

/** Standardises each row of `[batch, K]` by the sample variance (divided by K − 1), which tf.moments does not offer. */
function standardized(logits: tf.Tensor): tf.Tensor {
  const centred = tf.sub(logits, tf.mean(logits, -1, true));
  const classes = logits.shape[logits.rank - 1];
  const variance = tf.div(tf.sum(tf.square(centred), -1, true), classes - 1);
  // The square root has no derivative at 0: without a floor, equal logits would have the gradient 0·∞.
  const deviation = tf.sqrt(tf.maximum(variance, 1e-30));
  return tf.div(centred, tf.add(deviation, 1e-7));
}
