import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { sharedClasses, temperatureSchema } from '../logits.ts';
import type { Term } from '../term.ts';

const factor = z.number().min(0).max(1e6);
const options = z.strictObject({
  weight: weightSchema.default(2),
  temperature: temperatureSchema.default(1),
  beta: factor.default(1).describe('Weight β of the correlation over classes, of each sample.'),
  gamma: factor.default(1).describe('Weight γ of the correlation over the batch, of each class.'),
});

const EPSILON = 1e-8;

/**
 * DIST: T²·[β·(1 − mean_i r(p_s[i,:], p_t[i,:])) + γ·(1 − mean_j r(p_s[:,j], p_t[:,j]))], where r is Pearson's
 * correlation and p = softmax(z/T), `[batch, K]` (Huang et al., NeurIPS 2022, arXiv:2205.10536).
 *
 * As in the reference implementation, 1e-8 is added to the denominator of r. The reference gives 1 − r = 1 wherever
 * nothing varies, even between equal predictions: in a batch of one, or for a class that a certain teacher never
 * predicts. Here 1 − r is 0 if neither side varies, and still 1 if only one does; elsewhere the two agree within 1e-8
 * divided by the variances.
 */
export const dist: Term<typeof options> = {
  type: 'dist',
  summary: 'Matches predictions by their correlation, over classes and over the batch.',
  formula:
    "T²·[β·(1 − mean_i r(p_s[i,:], p_t[i,:])) + γ·(1 − mean_j r(p_s[:,j], p_t[:,j]))], r Pearson's correlation, p = softmax(z/T)",
  reference: 'https://arxiv.org/abs/2205.10536',
  options,
  bind({ temperature, beta, gamma }, studentTaps, teacherTaps) {
    sharedClasses(studentTaps, teacherTaps);
    return {
      student: ['logits'],
      teacher: ['logits'],
      matching: true,
      auxiliary: {},
      loss({ student, teacher, at }) {
        const T = at(temperature);
        const s = tf.softmax(tf.div(student.logits, T));
        const t = tf.softmax(tf.div(teacher.logits, T));
        const loss = tf.add(tf.mul(decorrelation(s, t, 1), beta), tf.mul(decorrelation(s, t, 0), gamma));
        return tf.mul(loss, tf.square(T));
      },
    };
  },
};

/** Computes the mean of 1 − r, with the correlation r taken along an axis. */
function decorrelation(a: tf.Tensor, b: tf.Tensor, axis: number): tf.Tensor {
  const centred = (x: tf.Tensor) => tf.sub(x, tf.mean(x, axis, true));
  const [x, y] = [centred(a), centred(b)];
  const [xx, yy] = [x, y].map((v) => tf.sum(tf.square(v), axis));
  // The square root has no derivative at 0.
  const length = (squared: tf.Tensor) => tf.sqrt(tf.maximum(squared, 1e-30));
  const r = tf.div(tf.sum(tf.mul(x, y), axis), tf.add(tf.mul(length(xx), length(yy)), EPSILON));
  // The ε above lowers the r of equal vectors by this much. It vanishes once either side varies by more than ε.
  const missing = tf.div(EPSILON, tf.add(tf.mul(tf.add(xx, yy), 0.5), EPSILON));
  return tf.mean(tf.sub(tf.sub(1, r), missing));
}
