import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
import { adaptiveAveragePool, nearest } from '../maps.ts';
import { preActivationPairs, preActivationPairsOptions } from '../taps.ts';
import type { Auxiliary, Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(5),
  ...preActivationPairsOptions,
  width: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe("Channels in which maps are fused. Defaults to those of the student's last map, at most 512."),
});

/**
 * Knowledge review: compares the teacher's map of each stage with the student's map fused with all its later maps, as
 * the sum over stages of HCL(ABF(s), t) (Chen et al., CVPR 2021, arXiv:2104.09044). Maps are `[batch, height, width,
 * channels]`.
 *
 * ABF, attention-based fusion, runs from the last stage to the first. Each map is projected to a common width
 * (`reduce`: 1×1 convolution, BatchNorm), mixed with the result of the stage after it (`attention`: a 1×1 convolution
 * and a sigmoid of both give a weight for each at every position), resized to the teacher's height and width by nearest
 * neighbour, and projected to the teacher's channels (`expand`: 3×3 convolution, BatchNorm). By default the maps are those
 * before ReLU and, as a map of one pixel after them, `features`, as in the paper. The ramp of the weight over the first 20
 * epochs is not part of the loss.
 */
export const review: Term<typeof options> = {
  type: 'review',
  summary: "Matches the teacher's map at several scales, from the student's map fused with its later maps.",
  formula:
    'Σ_stages HCL(ABF(F_s, later stages), F_t), ABF a trained fusion, HCL the mean squared errors at full size, 4, 2 and 1, weighted 1, ½, ¼, ⅛ over their sum',
  reference: 'https://arxiv.org/abs/2104.09044',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = [...preActivationPairs(choice, studentTaps, teacherTaps)];
    const named = choice.student !== undefined || choice.teacher !== undefined;
    const pooled = [studentTaps, teacherTaps].every(({ features }) => features?.length === 1);
    if (!named && pooled) stages.push({ student: 'features', teacher: 'features' });
    const last = stages.length - 1;
    const width = choice.width ?? Math.min(512, mapShape(studentTaps[stages[last].student])[2]);
    const auxiliary: Record<string, Auxiliary> = {};
    stages.forEach(({ student, teacher }, stage) => {
      const [inputShape, [height, breadth, out]] = [studentTaps[student], teacherTaps[teacher]].map(mapShape);
      auxiliary[`reduce${stage + 1}`] = {
        inputShape,
        forward: (net, x) =>
          net.batchNorm('bn', net.conv('conv', x, { out: width, ...convolution(1, inputShape[2]) })),
      };
      if (stage < last) {
        auxiliary[`attention${stage + 1}`] = {
          inputShape: [inputShape[0], inputShape[1], 2 * width],
          forward: (net, x) => net.conv('conv', x, { out: 2, kernel: 1 }),
        };
      }
      auxiliary[`expand${stage + 1}`] = {
        inputShape: [height, breadth, width],
        forward: (net, x) => net.batchNorm('bn', net.conv('conv', x, { out, ...convolution(3, width) })),
      };
    });
    return {
      student: stages.map(({ student }) => student),
      teacher: stages.map(({ teacher }) => teacher),
      // Equal maps still have the fusion's error as their loss.
      matching: false,
      auxiliary,
      loss({ student, teacher, auxiliary: apply }) {
        let later: tf.Tensor4D | undefined;
        const losses: tf.Tensor[] = [];
        for (let stage = last; stage >= 0; stage--) {
          const t = asMap(teacher[stages[stage].teacher]);
          const own = apply(`reduce${stage + 1}`, asMap(student[stages[stage].student])) as tf.Tensor4D;
          const mixed =
            later === undefined ? own : fused(own, later, (x) => apply(`attention${stage + 1}`, x));
          later = nearest(mixed, t.shape[1], t.shape[2]);
          losses.push(hierarchicalContext(apply(`expand${stage + 1}`, later) as tf.Tensor4D, t));
        }
        return tf.addN(losses);
      },
    };
  },
};

/** Features as a map of one pixel, without the batch: `[channels]` → `[1, 1, channels]`. */
function mapShape(shape: number[]): number[] {
  return shape.length === 1 ? [1, 1, ...shape] : shape;
}

function asMap(x: tf.Tensor): tf.Tensor4D {
  return x.rank === 4 ? (x as tf.Tensor4D) : tf.reshape(x, [x.shape[0], 1, 1, x.shape[1] ?? 1]);
}

/**
 * Options of a convolution with an odd kernel and the reference's initial weights: uniform, with variance 1 / fan-in.
 */
function convolution(kernel: number, channels: number) {
  const bound = Math.sqrt(3 / (kernel * kernel * channels));
  return {
    kernel,
    padding: (kernel - 1) / 2,
    bias: false,
    initialWeight: { type: 'uniform', bound } as const,
  };
}

/** Sums two maps, weighted at every position by an attention network of both: `[…, 2·channels]` → `[…, 2]`. */
function fused(own: tf.Tensor4D, later: tf.Tensor4D, attention: (x: tf.Tensor) => tf.Tensor): tf.Tensor4D {
  const other = nearest(later, own.shape[1], own.shape[2]);
  const [ofOwn, ofOther] = tf.split(tf.sigmoid(attention(tf.concat([own, other], 3))), 2, 3);
  return tf.add(tf.mul(own, ofOwn), tf.mul(other, ofOther));
}

/**
 * Computes the hierarchical context loss: the mean squared errors of two maps, `[batch, height, width, channels]`, at
 * full size and average-pooled to 4, 2 and 1, weighted 1, ½, ¼, ⅛ and divided by the sum of the weights. Sizes that are
 * not below the height of the maps are left out.
 */
export function hierarchicalContext(s: tf.Tensor4D, t: tf.Tensor4D): tf.Tensor {
  const sizes = [4, 2, 1].filter((size) => size < s.shape[1]);
  const losses = [
    meanSquaredError(s, t),
    ...sizes.map((size, i) => {
      const [pooled, other] = [s, t].map((map) => adaptiveAveragePool(map, size, size));
      return tf.mul(meanSquaredError(pooled, other), 2 ** -(i + 1));
    }),
  ];
  const total = losses.reduce((sum, _, i) => sum + 2 ** -i, 0);
  return tf.div(tf.addN(losses), total);
}
