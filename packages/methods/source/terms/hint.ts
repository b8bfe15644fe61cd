import { weightSchema } from '@distillery/spec';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
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
 * for Thin Deep Nets", arXiv:1412.6550). Between maps of equal height and width, `[batch, height, width, channels]`, R
 * is a 3×3 convolution; between vectors, `[batch, D]`, it is a linear layer.
 */
export const hint: Term<typeof options> = {
  type: 'hint',
  summary: "Matches the teacher's map by squared error, through a trained regressor on the student's.",
  formula: 'mean (R(F_s) − F_t)², R a trained 3×3 convolution, or a linear layer between vectors',
  reference: 'https://arxiv.org/abs/1412.6550',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const taps = tapPair(choice, studentTaps, teacherTaps);
    const from = studentTaps[taps.student];
    const to = teacherTaps[taps.teacher];
    const spatial = (shape: number[]) => shape.slice(0, -1).join('×');
    if (from.length !== to.length || spatial(from) !== spatial(to)) {
      throw new TapError(
        '/student',
        `a regressor cannot map the student's ${taps.student} [${from}] to the teacher's ${taps.teacher} [${to}]: ` +
          'both must be vectors, or maps of equal height and width',
        choice.student,
      );
    }
    const out = to[to.length - 1];
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      // Equal maps still have the regressor's error as their loss.
      matching: false,
      auxiliary: {
        regressor: {
          inputShape: from,
          forward(net, x) {
            if (from.length === 1) return net.linear('linear', x, { out });
            const y = net.conv('conv', x, { out, kernel: 3, padding: 1 });
            return choice.normalize ? net.relu(net.batchNorm('bn', y)) : y;
          },
        },
      },
      loss: ({ student, teacher, auxiliary }) =>
        meanSquaredError(auxiliary('regressor', student[taps.student]), teacher[taps.teacher]),
    };
  },
};
