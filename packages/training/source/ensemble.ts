import type { NetworkPlan } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';

/** Several teachers that speak as one. */
export interface Ensemble {
  names: readonly string[];
  /** Of each, in the order of `names`; any scale. */
  weights: readonly number[];
  combine: 'mean' | 'best';
}

/** What of a network terms are bound to. */
export type BoundPlan = Pick<NetworkPlan, 'taps' | 'parameters'>;

/** The name of one teacher's tap among those of several. */
export function tapOf(teacher: string, tap: string): string {
  return `${teacher}/${tap}`;
}

/** The taps of several teachers: `logits` are what they say together, `<name>/<tap>` is what one says. */
export function ensemblePlan(names: readonly string[], plans: readonly BoundPlan[]): BoundPlan {
  const own = plans.flatMap(({ taps }, index) =>
    Object.entries(taps).map(([tap, shape]) => [tapOf(names[index], tap), shape]),
  );
  return { taps: { ...Object.fromEntries(own), logits: plans[0].taps.logits }, parameters: [] };
}

/** The single teachers' taps that must be there for these of the ensemble. */
export function tapsBehind(taps: readonly string[], { names }: Ensemble): string[] {
  return [
    ...new Set(taps.flatMap((tap) => (tap === 'logits' ? names.map((name) => tapOf(name, tap)) : [tap]))),
  ];
}

/**
 * The logits that several teachers give together.
 *
 * `mean`: Σ wᵢ·zᵢ / Σ wᵢ. Its softmax is the weighted geometric mean of the teachers' distributions, at every
 * temperature (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531). `best`: for each sample those of the teacher whose
 * cross-entropy with the label is the lowest, of equal ones the first.
 *
 * @param logits of each teacher, `[batch, classes]`
 * @param labels `[batch]`, int32
 * @returns `[batch, classes]`
 */
export function combineLogits(
  logits: readonly tf.Tensor[],
  labels: tf.Tensor1D,
  { weights, combine }: Pick<Ensemble, 'weights' | 'combine'>,
): tf.Tensor {
  return tf.tidy(() => {
    const all = tf.stack([...logits]);
    if (combine === 'mean') {
      const sum = weights.reduce((total, weight) => total + weight, 0);
      const shares = tf.tensor3d(
        weights.map((weight) => weight / sum),
        [weights.length, 1, 1],
      );
      return tf.sum(tf.mul(all, shares), 0);
    }
    const [, , classes] = all.shape;
    const ofLabel = tf.sum(tf.mul(tf.logSoftmax(all), tf.oneHot(labels, classes)), 2);
    const best = tf.oneHot(tf.argMax(ofLabel, 0), logits.length);
    return tf.sum(tf.mul(all, tf.expandDims(tf.transpose(best), 2)), 0);
  });
}
