import { logSoftmax } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence, temperatureSchema } from '../logits.ts';
import { atSmallerSize, positions } from '../maps.ts';
import { mapPair, tapPairOptions } from '../taps.ts';
import type { Auxiliary, Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(50),
  ...tapPairOptions,
  temperature: temperatureSchema
    .default(4)
    .describe(
      'Temperature T by which the values of a map are divided. A larger one softens the distributions.',
    ),
});

/**
 * Channel-wise distillation: the softmax of a channel's values over T is a distribution over positions, and the loss is
 * T² times the mean over channels and batch of KL(t ‖ s) (Shu et al., ICCV 2021, arXiv:2011.13256). The default
 * temperature and weight are those of the paper for feature maps, `[batch, height, width, channels]`.
 *
 * Where the channels differ, a trained 1×1 convolution maps the student's to the teacher's. The larger map is
 * average-pooled to the smaller.
 */
export const channelWise: Term<typeof options> = {
  type: 'channel_wise',
  summary:
    'Matches where each channel is active, by KL divergence of its softened distribution over positions.',
  formula: 'T²·mean KL(φ_t ‖ φ_s) over channels and batch, φ = softmax over positions of F/T',
  reference: 'https://arxiv.org/abs/2011.13256',
  options,
  bind({ temperature, ...choice }, studentTaps, teacherTaps) {
    const taps = mapPair(choice, studentTaps, teacherTaps);
    const [from, to] = [studentTaps[taps.student], teacherTaps[taps.teacher]];
    const projector: Auxiliary = {
      inputShape: [Math.min(from[0], to[0]), Math.min(from[1], to[1]), from[2]],
      forward: (net, x) => net.conv('conv', x, { out: to[2], kernel: 1 }),
    };
    const projected = from[2] !== to[2];
    const auxiliary: Record<string, Auxiliary> = projected ? { projector } : {};
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      // With a projector, equal maps still have the projector's error as their loss.
      matching: !projected,
      auxiliary,
      loss({ student, teacher, auxiliary: apply, at }) {
        const T = at(temperature);
        const [s, t] = atSmallerSize(student[taps.student], teacher[taps.teacher]);
        const ours = projected ? (apply('projector', s) as tf.Tensor4D) : s;
        const [q, p] = [ours, t].map((map) => logSoftmax(tf.div(channels(map), T)));
        return tf.mul(divergence(p, q), tf.square(T));
      },
    };
  },
};

/** Makes each channel a row: `[batch, height, width, channels]` → `[batch·channels, height·width]`. */
function channels(map: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, count] = map.shape;
  return tf.reshape(tf.transpose(positions(map), [0, 2, 1]), [batch * count, height * width]);
}
