import { type NetworkPlan, probabilities, type Target, type Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';

/** Several teachers whose logits are combined. */
export interface Ensemble {
  names: readonly string[];
  /** The relative weight of each, in the order of `names`. */
  weights: readonly number[];
  combine: 'mean' | 'best';
}

/** The parts of a network's plan that terms are bound to. */
export type BoundPlan = Pick<NetworkPlan, 'taps' | 'parameters'>;

/** The name of one teacher's tap among the taps of several teachers. */
export function tapOf(teacher: string, tap: string): string {
  return `${teacher}/${tap}`;
}

/** The taps of several teachers: `logits` are the combined ones, `<name>/<tap>` are those of one teacher. */
export function ensemblePlan(names: readonly string[], plans: readonly BoundPlan[]): BoundPlan {
  const own = plans.flatMap(({ taps }, index) =>
    Object.entries(taps).map(([tap, shape]) => [tapOf(names[index], tap), shape]),
  );
  return { taps: { ...Object.fromEntries(own), logits: plans[0].taps.logits }, parameters: [] };
}

/** The taps of single teachers that the given taps of the ensemble are computed from. */
export function tapsBehind(taps: readonly string[], { names }: Ensemble): string[] {
  return [
    ...new Set(taps.flatMap((tap) => (tap === 'logits' ? names.map((name) => tapOf(name, tap)) : [tap]))),
  ];
}

/** The taps of a student's teachers, with the combined logits where there are several and the student reads them. */
export function combinedTaps(taps: Tensors, labels: Target, ensemble: Ensemble | undefined): Tensors {
  const logits = ensemble?.names.map((name) => taps[tapOf(name, 'logits')]);
  if (ensemble === undefined || logits === undefined || logits.includes(undefined as never)) return taps;
  return { ...taps, logits: combineLogits(logits, labels, ensemble) };
}

/**
 * Combines the logits of several teachers.
 *
 * `mean`: Σ wᵢ·zᵢ / Σ wᵢ. Its softmax is the weighted geometric mean of the teachers' distributions, at every
 * temperature (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531). `best`: for each sample the logits of the
 * teacher with the lowest cross-entropy; among equal ones, of the first teacher.
 *
 * @param logits `[batch, classes]` of each teacher
 * @param labels class numbers `[batch]`, int32, or probabilities `[batch, classes]`
 * @returns `[batch, classes]`
 */
export function combineLogits(
  logits: readonly tf.Tensor[],
  labels: Target,
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
    const ofLabel = tf.sum(tf.mul(tf.logSoftmax(all), probabilities(labels, classes)), 2);
    const best = tf.oneHot(tf.argMax(ofLabel, 0), logits.length);
    return tf.sum(tf.mul(all, tf.expandDims(tf.transpose(best), 2)), 0);
  });
}
