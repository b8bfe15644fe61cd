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
  temperature: temperatureSchema.default(0.07).describe('τ, by which scores are divided'),
  width: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(128)
    .describe('of the space in which both sides are compared'),
  queue: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .default(4096)
    .describe('how many earlier samples stand by as negatives, beside the rest of the batch'),
});

/**
 * Contrastive representation distillation: an image's features in the student are to be told from those of other images
 * by the teacher's features of that image, and the other way round (CRD: Tian et al., ICLR 2020, arXiv:1910.10699).
 * Both sides are brought to one space by a trained linear layer each, and to length 1. With the score s = u·v/τ of a
 * pair, m negatives and c the mean of e^s, a pair is taken for one of the same image with the probability
 *
 *     h = e^s / (e^s + m·c),   loss = mean over images [−ln h(own) − Σ over the others ln (1 − h)], for either side.
 *
 * Negatives are the batch's other images and a queue of the latest ones (4096 where the paper draws 16384 from a memory
 * of all images); those of the same image are left out. c is a constant, measured in each batch, where the paper's
 * code keeps that of the first. An image without any negative, as the only one of the first batch, costs nothing.
 */
export const contrastive: Term<typeof options> = {
  type: 'contrastive',
  summary:
    "Tells the teacher's features of an image from those of a queue of others, and the student's likewise",
  formula:
    'mean over images, of either side: −ln h(own) − Σ_others ln (1 − h), h = e^s/(e^s + m·c), s = u·v/τ, u and v the features through trained linear layers at length 1, m the negatives, c the mean of e^s',
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
        // A row is a sample: the student's side, the teacher's, the image's index + 1. An empty one is 0.
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
 * Noise-contrastive estimation, of one side.
 *
 * @param positive scores of the pairs of one image, `[batch]`
 * @param scores of every pair, `[batch, candidates]`
 * @param negative 1 where a pair is of two images, else 0, of the same shape
 */
function estimation(positive: tf.Tensor, scores: tf.Tensor, negative: tf.Tensor): tf.Tensor {
  const count = tf.sum(negative, 1);
  // ln (m·c): the score at which either is as likely. Pairs that are left out weigh e^−∞ in the mean.
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

/** What takes a pair that is no negative out of a sum of exponentials: −1e9, else 0. */
function excluded(negative: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(negative, 1), 1e9);
}
