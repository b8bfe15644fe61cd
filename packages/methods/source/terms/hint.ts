import { weightSchema } from '@distillery/spec';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
import { adaptiveAveragePool, nearest } from '../maps.ts';
import { tapPair, tapPairOptions } from '../taps.ts';
import { type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema
    .default(0.25)
    .describe(
      "Weight of the term in the total loss. The default is that of PyTorch's tutorial; FitNets uses 100.",
    ),
  ...tapPairOptions,
  normalize: z.boolean().default(false).describe('Whether BatchNorm and ReLU follow the convolution.'),
});

/**
 * Hint: mean (R(F_s) − F_t)², with a regressor R that is trained with the student (Romero et al., 2015, "FitNets: Hints
 * for Thin Deep Nets", arXiv:1412.6550). Between vectors, `[batch, D]`, R is a linear layer. Between maps, `[batch,
 * height, width, channels]`, it is a 3×3 convolution. Where the student's map is r times as large, the convolution has
 * stride r and a kernel of r + 1; where the teacher's is, it is a transposed convolution of stride r (for r = 2 with a kernel
 * of 4). Both follow the regressor of Tian et al., ICLR 2020 (arXiv:1910.10699). Other sizes are first average-pooled where
 * the student's map is larger, and resized by nearest neighbour where it is smaller.
 */
export const hint: Term<typeof options> = {
  type: 'hint',
  summary: "Matches the teacher's map by squared error, through a trained regressor on the student's.",
  formula:
    'mean (R(F_s) − F_t)², R a trained convolution to the size of F_t, or a linear layer between vectors',
  reference: 'https://arxiv.org/abs/1412.6550',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = tapPair(choice, studentTaps, teacherTaps);
    const from = studentTaps[taps.student];
    const to = teacherTaps[taps.teacher];
    if (from.length !== to.length || ![1, 3].includes(to.length)) {
      throw new TapError(
        '/student',
        `a regressor cannot map the student's ${taps.student} [${from}] to the teacher's ${taps.teacher} [${to}]: ` +
          'both must be vectors, or both maps',
        choice.student,
      );
    }
    const out = to[to.length - 1];
    const stride = to.length === 1 ? 1 : wholeRatio(from, to);
    const factor = to.length === 1 ? undefined : wholeRatio(to, from);
    // The map is brought to the teacher's size before the regressor.
    const resize = stride === undefined && factor === undefined;
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      // Equal maps still have the regressor's error as their loss.
      matching: false,
      auxiliary: {
        regressor: {
          inputShape: resize ? [to[0], to[1], from[2]] : from,
          forward(net, x) {
            if (from.length === 1) return net.linear('linear', x, { out });
            const kernel = Math.max(3, (stride ?? 1) + 1);
            const y =
              stride === undefined && factor !== undefined
                ? net.enlarge('conv', x, { out, factor })
                : net.conv('conv', x, { out, kernel, stride: stride ?? 1, padding: 1 });
            return choice.normalize ? net.relu(net.batchNorm('bn', y)) : y;
          },
        },
      },
      loss({ student, teacher, auxiliary }) {
        const own = student[taps.student];
        const input = resize ? resized(own as tf.Tensor4D, to) : own;
        return meanSquaredError(auxiliary('regressor', input), teacher[taps.teacher]);
      },
    };
  },
};

/** How many times as large as another a map is, in both directions; undefined if the sizes are no such multiples. */
function wholeRatio([height, width]: number[], [toHeight, toWidth]: number[]): number | undefined {
  const ratio = height / toHeight;
  return Number.isInteger(ratio) && width === ratio * toWidth ? ratio : undefined;
}

/** Brings a map to a height and a width: average pooling where it is larger, nearest neighbour where it is smaller. */
function resized(map: tf.Tensor4D, [height, width]: number[]): tf.Tensor4D {
  const [, ownHeight, ownWidth] = map.shape;
  const pooled = adaptiveAveragePool(map, Math.min(ownHeight, height), Math.min(ownWidth, width));
  return nearest(pooled, height, width);
}
