import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1e-3),
});

/**
 * Distance of weights: the mean of (w_s − w_t)² over every number of the trained parameters that have the same name and
 * shape in both networks, for example after a student copied layers of its teacher (Li, Grandvalet and Davoine,
 * ICML 2018, arXiv:1802.01483, who keep a network near its starting point).
 */
export const weights: Term<typeof options> = {
  type: 'weights',
  summary: "Keeps weights near the teacher's weights of the same name and shape, by squared error.",
  formula: 'mean (w_s − w_t)² over all numbers of the parameters with equal name and shape',
  reference: 'https://arxiv.org/abs/1802.01483',
  options,
  bind(_choice, _studentTaps, _teacherTaps, { student, teacher }) {
    const names = Object.keys(student).filter((name) => `${student[name]}` === `${teacher[name]}`);
    if (names.length === 0) {
      throw new TapError(
        '',
        'no parameter of the student has the same name and shape as a parameter of the teacher',
        undefined,
      );
    }
    return {
      student: [],
      teacher: [],
      studentParameters: names,
      teacherParameters: names,
      matching: true,
      auxiliary: {},
      loss({ studentParameters = {}, teacherParameters = {} }) {
        const pairs = names.map((name) => [studentParameters[name], teacherParameters[name]] as const);
        const count = pairs.reduce((sum, [{ size }]) => sum + size, 0);
        return tf.div(tf.addN(pairs.map(([s, t]) => tf.sum(tf.square(tf.sub(s, t))))), count);
      },
    };
  },
};
