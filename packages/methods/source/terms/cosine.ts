import { sizeOf } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { tapPair, tapPairOptions } from '../taps.ts';
import { type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(0.25),
  ...tapPairOptions,
});

/**
 * Hidden-layer cosine: the mean over the batch of 1 − cos(h_s, h_t) of flattened taps, as in PyTorch's tutorial on
 * knowledge distillation. A longer teacher vector is average-pooled to the student's length. Maps are flattened with
 * channels first, so that pooling averages neighbouring columns of one channel; the tutorial's results depend on this
 * order.
 */
export const cosine: Term<typeof options> = {
  type: 'cosine',
  summary: 'Aligns hidden representations by one minus their cosine.',
  formula: 'mean (1 − cos(h_s, h_t)), h the flattened tap, a longer h_t average-pooled to the length of h_s',
  reference: 'https://docs.pytorch.org/tutorials/beginner/knowledge_distillation_tutorial.html',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = tapPair(choice, studentTaps, teacherTaps);
    const length = sizeOf(studentTaps[taps.student]);
    const factor = sizeOf(teacherTaps[taps.teacher]) / length;
    if (!Number.isInteger(factor)) {
      throw new TapError(
        '/teacher',
        `the teacher's ${taps.teacher} [${teacherTaps[taps.teacher]}] cannot be average-pooled to the length of the ` +
          `student's ${taps.student} [${studentTaps[taps.student]}]: its number of values must be a multiple of ${length}`,
        choice.teacher,
      );
    }
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      matching: true,
      auxiliary: {},
      loss({ student, teacher }) {
        const s = flat(student[taps.student]);
        const t = flat(teacher[taps.teacher]);
        const pooled = factor === 1 ? t : tf.mean(tf.reshape(t, [t.shape[0], length, factor]), -1);
        return tf.mean(tf.sub(1, cosineOfRows(s, pooled)));
      },
    };
  },
};

function flat(x: tf.Tensor): tf.Tensor {
  const channelsFirst = x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x;
  return tf.reshape(channelsFirst, [x.shape[0], -1]);
}

/**
 * Computes the cosine of each pair of rows: `[batch, D]`, `[batch, D]` → `[batch]`. As in PyTorch's tutorial, 1e-12 is
 * added to each squared norm.
 */
function cosineOfRows(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const squared = (x: tf.Tensor) => tf.add(tf.sum(tf.square(x), -1), 1e-12);
  return tf.div(tf.sum(tf.mul(a, b), -1), tf.sqrt(tf.mul(squared(a), squared(b))));
}
