import type { Net } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { rows, unit } from '../arithmetic.ts';
import { atSmallerSize } from '../maps.ts';
import { mapPair, tapPairOptions } from '../taps.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema
    .default(500)
    .describe(
      "Weight of the term in the total loss. The default is that of the authors' script. The 200 of other code belongs to a loss of channel means, whose gradient is far larger.",
    ),
  ...tapPairOptions,
  rate: z
    .number()
    .min(0.01)
    .max(4)
    .default(0.5)
    .describe("Channels of the factors, as a multiple of the channels of the teacher's map."),
  epochs: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(30)
    .describe('Epochs for which the paraphraser is trained, before the students.'),
});

/**
 * Factor transfer: mean |f_s/‖f_s‖ − f_t/‖f_t‖| over every element, where the factors f_t are the output of a
 * paraphraser of the teacher's map and f_s that of a translator of the student's map (Kim et al., NeurIPS 2018,
 * arXiv:1802.04977). Maps are `[batch, height, width, channels]`. The larger factors are average-pooled to the smaller;
 * then the factors of each sample are scaled to length 1 together.
 *
 * The paraphraser is the encoder of an autoencoder: three 3×3 convolutions with leaky ReLU. It is trained on the
 * teacher's map alone and then frozen. The translator has the same layers and is trained with the student. Loss, layers
 * and default weight are those of the authors' published code. RepDistiller differs: it compares channel means with the
 * weight 200, and its translator has BatchNorm.
 */
export const factor: Term<typeof options> = {
  type: 'factor',
  summary:
    "Matches a trained encoding of the student's map to a pretrained encoding of the teacher's, by absolute error.",
  formula:
    'mean |f_s/‖f_s‖ − f_t/‖f_t‖|, f_s = translator(F_s), f_t = paraphraser(F_t), the encoder of an autoencoder of F_t',
  reference: 'https://arxiv.org/abs/1802.04977',
  options,
  bind({ rate, epochs, ...choice }, studentTaps, teacherTaps) {
    const taps = mapPair(choice, studentTaps, teacherTaps);
    const [from, to] = [studentTaps[taps.student], teacherTaps[taps.teacher]];
    const channels = Math.max(1, Math.round(rate * to[2]));
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      matching: false,
      auxiliary: {
        paraphraser: {
          inputShape: to,
          forward: (net, x) => encoder(net, x, channels),
          pretraining: {
            tap: taps.teacher,
            epochs,
            forward: (net, x) => decoder(net, encoder(net, x, channels), to[2]),
          },
        },
        translator: {
          inputShape: from,
          forward: (net, x) => encoder(net, x, channels),
        },
      },
      loss({ student, teacher, auxiliary }) {
        const [s, t] = atSmallerSize(
          auxiliary('translator', student[taps.student]),
          auxiliary('paraphraser', teacher[taps.teacher]),
        );
        return tf.mean(tf.abs(tf.sub(unit(rows(s)), unit(rows(t)))));
      },
    };
  },
};

function encoder<T>(net: Net<T>, map: T, channels: number): T {
  return [net.shape(map)[2], channels, channels].reduce(
    (x, out, index) => leakyRelu(net, net.conv(`encoder.${index}.conv`, x, { out, kernel: 3, padding: 1 })),
    map,
  );
}

/** The mirror image of the encoder. A transposed convolution of stride 1 is a plain convolution. */
function decoder<T>(net: Net<T>, map: T, out: number): T {
  return [net.shape(map)[2], out, out].reduce(
    (x, width, index) =>
      leakyRelu(net, net.conv(`decoder.${index}.conv`, x, { out: width, kernel: 3, padding: 1 })),
    map,
  );
}

/** Leaky ReLU with the slope 0.1 below 0. */
function leakyRelu<T>(net: Net<T>, x: T): T {
  return net.add(net.scale(x, 0.1), net.scale(net.relu(x), 0.9));
}
