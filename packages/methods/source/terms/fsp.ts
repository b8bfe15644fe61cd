import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { meanSquaredError } from '../arithmetic.ts';
import { atSmallerSize, positions } from '../maps.ts';
import { mapPairsFromStem, mapPairsOptions } from '../taps.ts';
import { type Auxiliary, type Term, TapError } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  ...mapPairsOptions,
});

/**
 * Flow of the solution procedure: each two neighbouring stages of a network have a matrix G = F1ᵀF2/(h·w) of relations
 * between their channels, `[batch, channels, channels of the next]`; the loss is the sum over neighbours of
 * mean (G_s − G_t)² (Yim et al., CVPR 2017, "A Gift from Knowledge Distillation"; it has no arXiv id).
 *
 * As in the common reference implementation, the first neighbours are the stem and the first stage, and the larger of two neighbours is adaptively average-pooled to the smaller.
 * The reference refuses maps whose channels differ from the teacher's; here a trained 1×1 convolution on the student's
 * map adapts them. The reference trains this loss in a separate phase, as `piecewise` weights can.
 */
export const fsp: Term<typeof options> = {
  type: 'fsp',
  summary: 'Matches the relations between the channels of neighbouring stages, by squared error.',
  formula: 'Σ_neighbours mean (G_s − G_t)², G = F1ᵀ·F2/(h·w) between the channels of a stage and of the next',
  reference: 'https://openaccess.thecvf.com/content_cvpr_2017/html/Yim_A_Gift_From_CVPR_2017_paper.html',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = mapPairsFromStem(choice, studentTaps, teacherTaps);
    if (stages.length < 2) {
      const [{ student, teacher }] = stages;
      throw new TapError(
        choice.student !== undefined || choice.teacher === undefined ? '/student' : '/teacher',
        `needs at least 2 stages, but there are only the student's ${student} [${studentTaps[student]}] and the teacher's ` +
          `${teacher} [${teacherTaps[teacher]}]`,
        choice.student ?? choice.teacher,
      );
    }
    const projectors = new Map<number, [name: string, Auxiliary]>();
    stages.forEach(({ student, teacher }, stage) => {
      const [from, [, , out]] = [studentTaps[student], teacherTaps[teacher]];
      if (from[2] === out) return;
      projectors.set(stage, [
        `projector${stage + 1}`,
        { inputShape: from, forward: (net, x) => net.conv('conv', x, { out, kernel: 1 }) },
      ]);
    });
    return {
      student: stages.map((pair) => pair.student),
      teacher: stages.map((pair) => pair.teacher),
      // With a projector, equal maps still have the projector's error as their loss.
      matching: projectors.size === 0,
      auxiliary: Object.fromEntries(projectors.values()),
      loss({ student, teacher, auxiliary }) {
        const ours = stages.map((pair, stage) => {
          const [projector] = projectors.get(stage) ?? [];
          const map = student[pair.student];
          return projector === undefined ? map : auxiliary(projector, map);
        });
        const theirs = relations(stages.map((pair) => teacher[pair.teacher]));
        return tf.addN(relations(ours).map((g, i) => meanSquaredError(g, theirs[i])));
      },
    };
  },
};

/** Computes the relations G of each map and the next, `[batch, channels, channels of the next]`. */
function relations(maps: tf.Tensor[]): tf.Tensor[] {
  return maps.slice(1).map((next, i) => {
    const [a, b] = atSmallerSize(maps[i], next).map(positions);
    return tf.div(tf.matMul(a, b, true), a.shape[1]);
  });
}
