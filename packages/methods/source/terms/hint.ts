import { weightSchema } from '@distillery/spec';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
import { tapPair, tapPairOptions } from '../taps.ts';
import { type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(0.25).describe('.25 as in the tutorial; FitNets takes 100'),
  ...tapPairOptions,
  normalize: z.boolean().default(false).describe('follow the convolution by BatchNorm and ReLU'),
});

/**
 * Hint: mean (R(F_s) − F_t)², with a regressor R that is trained with the student
 * (Romero et al., 2015, "FitNets: Hints for Thin Deep Nets", arXiv:1412.6550). R is a 3×3 convolution between maps of
 * equal height and width, a linear layer between vectors.
 */
export const hint: Term<typeof options> = {
  type: 'hint',
  summary: "Squared error between the teacher's map and the student's through a trained regressor",
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
        `a regressor cannot bring the student's ${taps.student} [${from}] to the teacher's ${taps.teacher} [${to}]: ` +
          'both must be vectors, or maps of equal height and width',
        choice.student,
      );
    }
    const out = to[to.length - 1];
    return {
      student: [taps.student],
      teacher: [taps.teacher],
      // Between equal maps it is the regressor's own error, not 0.
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
