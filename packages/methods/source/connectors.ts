import * as tf from '@tensorflow/tfjs-core';
import { atSmallerSize } from './maps.ts';
import type { Auxiliary, TapPair, TapShapes, TermBatch } from './term.ts';

/** Trained layers that give a student's maps the teacher's channels, stage by stage. */
interface Connectors {
  auxiliary: Record<string, Auxiliary>;
  /** Returns the two maps of a stage at the smaller of their sizes, the student's with the teacher's channels. */
  pair(stage: number, batch: TermBatch): [student: tf.Tensor4D, teacher: tf.Tensor4D];
}

/**
 * Builds a trained 1×1 convolution with BatchNorm for each stage in which the channels differ. There is no ReLU after
 * it, because the losses compare signs. The larger map is average-pooled to the smaller first.
 *
 * @param always build one for stages with equal channels too
 */
export function connectors(
  stages: readonly TapPair[],
  student: TapShapes,
  teacher: TapShapes,
  { always = false } = {},
): Connectors {
  const name = (stage: number) => `connector${stage + 1}`;
  const auxiliary: Record<string, Auxiliary> = {};
  stages.forEach((pair, stage) => {
    const [from, to] = [student[pair.student], teacher[pair.teacher]];
    if (from[2] === to[2] && !always) return;
    auxiliary[name(stage)] = {
      inputShape: [Math.min(from[0], to[0]), Math.min(from[1], to[1]), from[2]],
      forward: (net, x) => net.batchNorm('bn', net.conv('conv', x, { out: to[2], kernel: 1, bias: false })),
    };
  });
  return {
    auxiliary,
    pair(stage, batch) {
      const { student: ours, teacher: theirs } = stages[stage];
      const [s, t] = atSmallerSize(batch.student[ours], batch.teacher[theirs]);
      return [name(stage) in auxiliary ? (batch.auxiliary(name(stage), s) as tf.Tensor4D) : s, t];
    },
  };
}

/** Sums the losses of stages, weighted by 2^(l − L): the last stage L has weight 1, each one before it half as much. */
export function sumHalvingBackwards(losses: readonly tf.Tensor[]): tf.Tensor {
  return tf.addN(losses.map((loss, stage) => tf.mul(loss, 2 ** (stage + 1 - losses.length))));
}
