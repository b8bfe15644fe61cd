import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { atSmallerSize } from '../maps.ts';
import { mapPair, tapPairOptions } from '../taps.ts';
import type { Auxiliary, Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(7e-5),
  ...tapPairOptions,
  ratio: z.number().min(0).lt(1).default(0.15).describe("Share of the student's map that is masked."),
  mask: z
    .enum(['channels', 'positions'])
    .default('channels')
    .describe('Whether whole channels or whole positions are masked.'),
});

/**
 * Masked generative distillation: part of the student's map is set to 0 and a small network generates the teacher's
 * complete map from the rest. The loss is the squared difference, summed over the map and averaged over the batch (Yang
 * et al., ECCV 2022, arXiv:2205.01529). Maps are `[batch, height, width, channels]`.
 *
 * The generator has two 3×3 convolutions with ReLU between them. Where the channels differ, a trained 1×1 convolution
 * before it maps the student's to the teacher's. The paper describes masked positions; its reference implementation
 * masks whole channels for classification, and the default ratio and weight are taken from it. The larger map is
 * average-pooled to the smaller.
 */
export const maskedGeneration: Term<typeof options> = {
  type: 'masked_generation',
  summary: "Generates the teacher's map from the student's partly masked map, by squared error.",
  formula: 'Σ (G(M·F_s) − F_t)²/B, M a random mask, G two trained 3×3 convolutions with ReLU between them',
  reference: 'https://arxiv.org/abs/2205.01529',
  options,
  bind({ ratio, mask, ...choice }, studentTaps, teacherTaps) {
    const taps = mapPair(choice, studentTaps, teacherTaps);
    const [from, to] = [studentTaps[taps.student], teacherTaps[taps.teacher]];
    const [height, width] = [Math.min(from[0], to[0]), Math.min(from[1], to[1])];
    const out = to[2];
    const masked = mask === 'channels' ? [1, 1, out] : [height, width, 1];
    const align: Auxiliary = {
      inputShape: [height, width, from[2]],
      forward: (net, x) => net.conv('conv', x, { out, kernel: 1 }),
    };
    const aligned = from[2] !== out;
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      // Equal maps still have the generator's error as their loss.
      matching: false,
      auxiliary: {
        ...(aligned ? { align } : {}),
        // This network has no parameters. It makes the mask because a network's dropout is keyed by the run's seed and
        // step.
        mask: { inputShape: masked, forward: (net, x) => net.dropout('mask', x, ratio) },
        generator: {
          inputShape: [height, width, out],
          forward(net, x) {
            const conv = (name: string, y: typeof x) => net.conv(name, y, { out, kernel: 3, padding: 1 });
            return conv('conv2', net.relu(conv('conv1', x)));
          },
        },
      },
      loss({ student, teacher, auxiliary }) {
        const [s, t] = atSmallerSize(student[taps.student], teacher[taps.teacher]);
        const [batch] = s.shape;
        // Dropout scales up the values that it keeps; a mask must not.
        const left = tf.mul(auxiliary('mask', tf.ones([batch, ...masked])), 1 - ratio);
        const generated = auxiliary('generator', tf.mul(aligned ? auxiliary('align', s) : s, left));
        return tf.div(tf.sum(tf.square(tf.sub(generated, t))), batch);
      },
    };
  },
};
