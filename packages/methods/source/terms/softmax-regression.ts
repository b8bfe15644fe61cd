import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
import { classifierOf } from '../classifier.ts';
import { vectorPair, vectorPairOptions } from '../taps.ts';
import { type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  ...vectorPairOptions,
  rectify: z
    .boolean()
    .default(true)
    .describe(
      "Whether the connector ends in ReLU, as the teacher's features do. Set false if the teacher's features can be negative.",
    ),
});

/**
 * Softmax regression representation learning: a connector C maps the student's features, `[batch, D]`, to the
 * teacher's, and the teacher's classifier maps them to logits: mean (C(f_s) − f_t)² + mean (W_t·C(f_s) + b_t − z_t)²
 * (Yang et al., ICLR 2021, openreview.net/forum?id=ZzwDy_wiWv; it has no arXiv id).
 *
 * C is trained: a linear layer, BatchNorm and ReLU. W_t and b_t are constants, taken from the teacher's last linear
 * layer from its features to its logits, so the loss is 0 where C(f_s) equals f_t.
 */
export const softmaxRegression: Term<typeof options> = {
  type: 'softmax_regression',
  summary: "Matches the teacher's features, and its logits through its own classifier, by squared error.",
  formula:
    "mean (C(f_s) − f_t)² + mean (W_t·C(f_s) + b_t − z_t)², C a trained connector, W_t and b_t the teacher's classifier",
  reference: 'https://openreview.net/forum?id=ZzwDy_wiWv',
  options,
  bind({ rectify, ...choice }, studentTaps, teacherTaps, { teacher: parameters }) {
    const taps = vectorPair(choice, studentTaps, teacherTaps);
    const [width] = teacherTaps[taps.teacher];
    const [classes] = teacherTaps.logits;
    const head = classifierOf(parameters, width, classes);
    if (head === undefined) {
      throw new TapError(
        '/teacher',
        `the teacher has no linear layer from its ${taps.teacher} [${width}] to its ${classes} classes`,
        choice.teacher,
      );
    }
    return {
      student: [taps.student],
      teacher: [taps.teacher, 'logits'],
      teacherParameters: [head.weight, ...head.bias],
      // Equal features still have the connector's error as their loss.
      matching: false,
      auxiliary: {
        connector: {
          inputShape: studentTaps[taps.student],
          forward(net, x) {
            const y = net.batchNorm('bn', net.linear('linear', x, { out: width, bias: false }));
            return rectify ? net.relu(y) : y;
          },
        },
      },
      loss({ student, teacher, auxiliary, teacherParameters = {} }) {
        const features = auxiliary('connector', student[taps.student]);
        const product = tf.matMul(features, teacherParameters[head.weight]);
        const logits = head.bias.reduce((sum, name) => tf.add(sum, teacherParameters[name]), product);
        return tf.add(
          meanSquaredError(features, teacher[taps.teacher]),
          meanSquaredError(logits, teacher.logits),
        );
      },
    };
  },
};
