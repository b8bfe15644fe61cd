import { logSoftmax } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence, sharedClasses, temperatureSchema } from '../logits.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  temperature: temperatureSchema.default(1),
  beta: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      "The teacher's share β of the mixture; 0 gives KL(teacher ‖ student) and 1 gives KL(student ‖ teacher).",
    ),
});

/**
 * Generalised Jensen–Shannon divergence: β·KL(t ‖ m) + (1 − β)·KL(s ‖ m) with m = β·t + (1 − β)·s, of s and t =
 * softmax(z/T), `[batch, K]` (Agarwal et al., ICLR 2024, arXiv:2306.13649). At the ends, where the formula is 0, the
 * loss is KL(t ‖ s) for β = 0 and KL(s ‖ t) for β = 1. As in the reference implementation, there is no factor T².
 *
 * The logarithm of m/t is computed as a softplus of the difference between two log-probabilities, not from the
 * logarithm of m, so it is exact even when one side is certain.
 */
export const jensenShannon: Term<typeof options> = {
  type: 'jensen_shannon',
  summary:
    'Matches softened predictions by generalised Jensen–Shannon divergence, between forward and reverse KL.',
  formula:
    'β·KL(t ‖ m) + (1 − β)·KL(s ‖ m), m = β·t + (1 − β)·s, s and t = softmax(z/T); β = 0: KL(t ‖ s), β = 1: KL(s ‖ t)',
  reference: 'https://arxiv.org/abs/2306.13649',
  options,
  bind({ temperature, beta }, studentTaps, teacherTaps) {
    sharedClasses(studentTaps, teacherTaps);
    return {
      student: ['logits'],
      teacher: ['logits'],
      matching: true,
      auxiliary: {},
      loss({ student, teacher, at }) {
        const T = at(temperature);
        const s = logSoftmax(tf.div(student.logits, T));
        const t = logSoftmax(tf.div(teacher.logits, T));
        if (beta === 0) return divergence(t, s);
        if (beta === 1) return divergence(s, t);
        // m/t = β·(1 + exp d) and m/s = (1 − β)·(1 + exp −d) with d = ln((1 − β)·s / (β·t)).
        const d = tf.add(tf.sub(s, t), Math.log1p(-beta) - Math.log(beta));
        const ofTeacher = tf.mul(tf.exp(t), tf.add(tf.softplus(d), Math.log(beta)));
        const ofStudent = tf.mul(tf.exp(s), tf.add(tf.softplus(tf.neg(d)), Math.log1p(-beta)));
        const sum = tf.add(tf.mul(ofTeacher, -beta), tf.mul(ofStudent, beta - 1));
        return tf.mean(tf.sum(sum, -1));
      },
    };
  },
};
