import { detached } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { unit } from '../arithmetic.ts';
import { temperatureSchema } from '../logits.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import type { Auxiliary, Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(0.8),
  ...vectorPairOptions,
  temperature: temperatureSchema.default(0.07).describe('Temperature τ by which scores are divided.'),
  width: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(128)
    .describe('Width of the space to which both networks are projected.'),
  queue: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(4096)
    .describe('Number of earlier samples that serve as negatives, beside the rest of the batch.'),
});

/**
 * Contrastive representation distillation: the student's features of an image must be closer to the teacher's features
 * of that image than to those of other images, and the reverse (CRD: Tian et al., ICLR 2020, arXiv:1910.10699). A
 * trained linear layer for each network projects features, `[batch, D]`, to a common space, where they are scaled to
 * length 1. With the score s = u·v/τ of a pair, m negatives and c the mean of e^s, a pair is of one image with the
 * probability
 *
 *     h = e^s / (e^s + m·c),   loss = mean over images [−ln h(own) − Σ over the others ln (1 − h)], for either side.
 *
 * The negatives are the other images of the batch and a queue of the latest ones (4096 by default; the paper draws
 * 16384 from a memory of all images). Earlier features of the same image are left out. c is a constant, measured in
 * each batch; the paper's code keeps that of the first batch. An image without negatives, such as the only one of a
 * first batch, has the loss 0.
 */
export const contrastive: Term<typeof options> = {
  type: 'contrastive',
  summary:
    "Makes the student's features of an image recognisable by the teacher's among those of other images, and the reverse.",
  formula:
    'mean over images, for either side: −ln h(own) − Σ_others ln (1 − h), h = e^s/(e^s + m·c), s = u·v/τ, u and v the features through trained linear layers at length 1, m the number of negatives, c the mean of e^s',
  reference: 'https://arxiv.org/abs/1910.10699',
  options,
  bind({ temperature, width, queue, ...choice }, studentTaps, teacherTaps) {
    const taps = vectorPair(choice, studentTaps, teacherTaps);
    const projector = (inputShape: number[]): Auxiliary => ({
      inputShape,
      forward: (net, x) => net.linear('linear', x, { out: width }),
    });
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      reads: ['indices'],
      matching: false,
      auxiliary: {
        student: projector(studentTaps[taps.student]),
        teacher: projector(teacherTaps[taps.teacher]),
        // Each row is a sample: the student's vector, the teacher's, and the image's index + 1. Empty rows are 0.
        memory: {
          inputShape: [2 * width + 1],
          forward: (net, x) => net.memory('rows', x, queue),
        },
      },
      loss({ student, teacher, auxiliary, indices, at }) {
        const tau = at(temperature);
        const s = unit(auxiliary('student', student[taps.student]));
        const t = unit(auxiliary('teacher', teacher[taps.teacher]));
        const own = tf.reshape(tf.add(tf.cast(indices, 'float32'), 1), [-1, 1]);
        const rows = auxiliary('memory', detached(tf.concat([s, t, own], 1)));
        const [earlierS, earlierT, earlier] = tf.split(rows, [width, width, 1], 1);
        const others = tf.reshape(tf.concat([own, earlier], 0), [1, -1]);
        const negative = tf.cast(tf.logicalAnd(tf.notEqual(own, others), tf.greater(others, 0)), 'float32');
        const scores = (anchors: tf.Tensor, candidates: tf.Tensor[]) =>
          tf.div(
            tf.matMul(anchors as tf.Tensor2D, tf.concat(candidates, 0) as tf.Tensor2D, false, true),
            tau,
          );
        const positive = tf.div(tf.sum(tf.mul(s, t), 1), tau);
        return tf.add(
          estimation(positive, scores(s, [t, earlierT]), negative),
          estimation(positive, scores(t, [s, earlierS]), negative),
        );
      },
    };
  },
};

/**
 * Computes the noise-contrastive loss of one side, a scalar.
 *
 * @param positive scores of the pairs of one image, `[batch]`
 * @param scores scores of every pair, `[batch, candidates]`
 * @param negative 1 where a pair is of two images, else 0, `[batch, candidates]`
 */
function estimation(positive: tf.Tensor, scores: tf.Tensor, negative: tf.Tensor): tf.Tensor {
  const count = tf.sum(negative, 1);
  // ln (m·c) is the score at which both cases are equally likely. Excluded pairs add e^−∞ to the mean.
  const threshold = detached(
    tf.tidy(() => {
      const pairs = tf.concat([positive, tf.reshape(tf.add(scores, excluded(negative)), [-1])], 0);
      const mean = tf.sub(tf.logSumExp(pairs), tf.log(tf.add(positive.size, tf.sum(count))));
      return tf.add(mean, tf.log(tf.maximum(count, 1)));
    }),
  );
  const found = tf.mul(tf.softplus(tf.sub(threshold, positive)), tf.cast(tf.greater(count, 0), 'float32'));
  const mistaken = tf.mul(tf.softplus(tf.sub(scores, tf.expandDims(threshold, 1))), negative);
  return tf.mean(tf.add(found, tf.sum(mistaken, 1)));
}

/** Returns −1e9 where a pair is no negative, which removes it from a sum of exponentials, else 0. */
function excluded(negative: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(negative, 1), 1e9);
}
