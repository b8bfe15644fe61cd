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
  temperature: temperatureSchema.default(4).describe('T, by which values are divided'),
});

/**
 * Channel-wise distillation: each channel is a distribution over space, softmax of its values over T; T² times the mean
 * over channels and batch of KL(t ‖ s) (Shu et al., ICCV 2021, arXiv:2011.13256). Temperature and weight are the
 * paper's for feature maps.
 *
 * A trained 1×1 convolution brings the student's map to the teacher's channels where they differ; the larger map is
 * average-pooled to the smaller.
 */
export const channelWise: Term<typeof options> = {
  type: 'channel_wise',
  summary: 'KL divergence of where each channel is active, softened over space, times T²',
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
      // Through a projector it is the projector's own error, not 0.
      matching: !projected,
      auxiliary,
      loss({ student, teacher, auxiliary: apply, at }) {
        const T = at(temperature);
        const [s, t] = atSmallerSize(student[taps.student], teacher[taps.teacher]);
        const ours = projected ? (apply('projector', s) as tf.Tensor4D) : s;
        const [q, p] = [ours, t].map((map) => logSoftmax(tf.div(channels(map), T)));
        return tf.mul(divergence(p, q), T * T);
      },
    };
  },
};

/** `[batch, height, width, channels]` → `[batch·channels, height·width]` */
function channels(map: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, count] = map.shape;
  return tf.reshape(tf.transpose(positions(map), [0, 2, 1]), [batch * count, height * width]);
}
