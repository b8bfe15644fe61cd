import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { connectors, sumHalvingBackwards } from '../connectors.ts';
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
      "The mean of the negative values of each channel of the teacher's map, or a list of such lists for several stages. Defaults to the means of each batch.",
    ),
});

/** A finite number below every difference. */
const LOWEST = -1e30;

/**
 * Comprehensive overhaul of feature distillation: the sum over stages l of 2^(l − L)/B times the partial squared
 * distance Σ [(s − m)²·1(s > m, t ≤ m) + (s − t)²·1(s > t, m < t ≤ 0) + (s − t)²·1(t > 0)] over batch and elements.
 * Where the teacher is negative, the student only has to be at least as negative, down to the channel's margin m = E[t
 * | t < 0] (Heo et al., ICCV 2019, arXiv:1904.01866). Maps are `[batch, height, width, channels]`.
 *
 * The paper computes m from the parameters of the teacher's BatchNorm. A term does not know through which BatchNorm a
 * map came, so the margins are an option. By default m is the mean of the negative values of the batch's teacher map in
 * that channel, which the paper's formula estimates, and 0 for a channel without negative values (as after ReLU). As in
 * the paper, the student's map goes through a trained 1×1 convolution with BatchNorm at every stage. Maps of different
 * sizes are average-pooled to the smaller.
 */
export const overhaul: Term<typeof options> = {
  type: 'overhaul',
  summary:
    "Matches the teacher's pre-activations by squared error; where they are negative, being negative enough suffices.",
  formula:
    'Σ_l 2^(l − L)/B·Σ [(s − m)²·1(s > m, t ≤ m) + (s − t)²·1(s > t, m < t ≤ 0) + (s − t)²·1(t > 0)], s = C(F_s), C a trained connector, m = E[t | t < 0] of the channel',
  reference: 'https://arxiv.org/abs/1904.01866',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const stages = preActivationPairs(choice, studentTaps, teacherTaps);
    const channels = stages.map(({ teacher }) => teacherTaps[teacher][2]);
    const margins = choice.margins && marginsByStage(choice.margins, channels);
    const { auxiliary, pair } = connectors(stages, studentTaps, teacherTaps, { always: true });
    return {
      student: stages.map(({ student }) => student),
      teacher: stages.map(({ teacher }) => teacher),
      // Equal maps still have the connectors' error as their loss.
      matching: false,
      auxiliary,
      loss: (batch) =>
        sumHalvingBackwards(
          stages.map((_, stage) => {
            const [s, t] = pair(stage, batch);
            const margin = margins === undefined ? negativeMean(t) : tf.tensor1d(margins[stage]);
            // tf.maximum has no gradient through an operand that it broadcasts.
            const target = tf.maximum(t, tf.broadcastTo(margin, t.shape));
            // If the target is not positive, only a student above it has a loss.
            const floor = tf.mul(tf.step(target), LOWEST);
            const short = tf.maximum(tf.sub(s, target), floor);
            return tf.div(tf.sum(tf.square(short)), s.shape[0]);
          }),
        ),
    };
  },
};

/** Computes the mean of the negative values of each channel, `[channels]`; 0 for a channel without any. */
function negativeMean(map: tf.Tensor4D): tf.Tensor {
  const axes = [0, 1, 2];
  const count = tf.sum(tf.step(tf.neg(map)), axes);
  return tf.div(tf.sum(tf.minimum(map, 0), axes), tf.maximum(count, 1));
}

/**
 * Returns the margins by stage and channel.
 *
 * @throws TapError if their numbers are not those of the teacher's channels
 */
function marginsByStage(margins: number[] | number[][], channels: readonly number[]): number[][] {
  const byStage = (Array.isArray(margins[0]) ? margins : [margins]) as number[][];
  const lengths = byStage.map(({ length }) => length);
  if (`${lengths}` === `${channels}`) return byStage;
  throw new TapError(
    '/margins',
    `there are margins for [${lengths}] channels, but the teacher's maps have [${channels}] channels`,
    margins,
  );
}
