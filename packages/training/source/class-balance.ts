import { samplesByClass } from '@distillery/datasets';
import { randomStream } from '@distillery/engine';

/**
 * The order of an epoch in which the classes have equal numbers of samples, in all as many as there are. A class begins anew when
 * all its samples have had their turn. It depends on (seed, epoch) alone, so that a resumed run repeats it.
 *
 * @param indices of the training samples
 * @param labels of all samples of the split
 */
export function balancedOrder(
  indices: Int32Array,
  labels: Int32Array,
  seed: number,
  epoch: number,
): Int32Array {
  const members = membersOf(indices, labels);
  const order = new Int32Array(indices.length);
  let at = 0;
  for (const [place, { label, samples }] of members.entries()) {
    // What the number of classes does not divide goes to other classes in each epoch.
    const turn = (place + epoch) % members.length;
    const share = Math.floor((indices.length + turn) / members.length);
    for (let round = 0, left = share; left > 0; round++) {
      const some = randomStream(seed, 'balanced', epoch, label, round)
        .shuffle(samples.slice())
        .subarray(0, left);
      order.set(some, at);
      at += some.length;
      left -= some.length;
    }
  }
  return randomStream(seed, 'shuffle', epoch).shuffle(order);
}

/**
 * The weight of each class, in inverse proportion to its number of samples: the mean over all samples is 1. A class without a
 * sample has 0.
 *
 * @returns `[classes]`
 */
export function balancedWeights(indices: Int32Array, labels: Int32Array, classes: number): Float32Array {
  const members = membersOf(indices, labels);
  const weights = new Float32Array(classes);
  for (const { label, samples } of members)
    weights[label] = indices.length / (members.length * samples.length);
  return weights;
}

/** The samples of each class that has any, by the number of the class. */
function membersOf(indices: Int32Array, labels: Int32Array): { label: number; samples: Int32Array }[] {
  return [...samplesByClass(labels, indices)]
    .filter(([label]) => label >= 0)
    .sort(([a], [b]) => a - b)
    .map(([label, samples]) => ({ label, samples: Int32Array.from(samples) }));
}
