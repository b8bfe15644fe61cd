import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { connectors, halved } from '../connectors.ts';
import { preActivationPairs, preActivationPairsOptions } from '../taps.ts';
import { type Term, TapError } from '../term.ts';

const channelMargins = z.array(z.number().max(0)).min(1).max(65_536);
const options = z.strictObject({
  weight: weightSchema.default(1e-3),
  ...preActivationPairsOptions,
  margins: z
    .union([channelMargins, z.array(channelMargins).min(1).max(32)])
    .optional()
    .describe(
      "the mean of each channel's negative values, or a list of such for several stages; default: the batch's",
    ),
});

/** Below every difference, and finite. */
const LOWEST = -1e30;

/**
 * Comprehensive overhaul of feature distillation: Σ over stages l of 2^(l − L)/B times the partial squared distance
 * Σ [(s − m)²·1(s > m, t ≤ m) + (s − t)²·1(s > t, m < t ≤ 0) + (s − t)²·1(t > 0)] over batch and elements. Where the
 * teacher is negative the student need only be as negative, and no further than the channel's margin m = E[t | t < 0]
 * (Heo et al., ICCV 2019, arXiv:1904.01866).
 *
 * The paper takes m from the parameters of the teacher's BatchNorm. A term does not know which of those a map came
 * through, so the margins are an option; without it m is the mean of the negative values of the batch's teacher map in
 * that channel, which is what the paper's formula estimates, and 0 for a channel that has none (a map from after ReLU).
 * As in the paper, the student's map goes through a trained 1×1 convolution with BatchNorm at every stage. Maps of other
 * sizes are average-pooled to the smaller.
 */
export const overhaul: Term<typeof options> = {
  type: 'overhaul',
  summary: "Squared distance to the teacher's pre-activations that leaves free what is negative enough",
  formula:
    'Σ_l 2^(l − L)/B·Σ [(s − m)²·1(s > m, t ≤ m) + (s − t)²·1(s > t, m < t ≤ 0) + (s − t)²·1(t > 0)], s = C(F_s), C a trained connector, m = E[t | t < 0] by channel',
  reference: 'https://arxiv.org/abs/1904.01866',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = preActivationPairs(choice, studentTaps, teacherTaps);
    const channels = stages.map(({ teacher }) => teacherTaps[teacher][2]);
    const margins = choice.margins && fitted(choice.margins, channels);
    const { auxiliary, pair } = connectors(stages, studentTaps, teacherTaps, { always: true });
    return {
      student: stages.map(({ student }) => student),
      teacher: stages.map(({ teacher }) => teacher),
      // Through the connectors it is their own error, not 0.
      matching: false,
      auxiliary,
      loss: (batch) =>
        halved(
          stages.map((_, stage) => {
            const [s, t] = pair(stage, batch);
            const margin = margins === undefined ? negativeMean(t) : tf.tensor1d(margins[stage]);
            // tf.maximum has no gradient through what it broadcasts itself.
            const target = tf.maximum(t, tf.broadcastTo(margin, t.shape));
            // Above a target that is not positive every difference counts, below it none.
            const floor = tf.mul(tf.step(target), LOWEST);
            const short = tf.maximum(tf.sub(s, target), floor);
            return tf.div(tf.sum(tf.square(short)), s.shape[0]);
          }),
        ),
    };
  },
};

/** The mean of the negative values of each channel, `[channels]`; 0 where there are none. */
function negativeMean(map: tf.Tensor4D): tf.Tensor {
  const axes = [0, 1, 2];
  const count = tf.sum(tf.step(tf.neg(map)), axes);
  return tf.div(tf.sum(tf.minimum(map, 0), axes), tf.maximum(count, 1));
}

/** Margins by stage and channel. */
function fitted(margins: number[] | number[][], channels: readonly number[]): number[][] {
  const byStage = (Array.isArray(margins[0]) ? margins : [margins]) as number[][];
  const lengths = byStage.map(({ length }) => length);
  if (`${lengths}` === `${channels}`) return byStage;
  throw new TapError(
    '/margins',
    `there are margins for [${lengths}] channels, the teacher's maps have [${channels}]`,
    margins,
  );
}
