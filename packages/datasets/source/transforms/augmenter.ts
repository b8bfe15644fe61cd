import { randomStream } from '@distillery/engine/random';
import type { Augmentation } from '@distillery/spec';
import { composed } from './composed.ts';
import { transformsOf } from './identity.ts';
import { transforms } from './index.ts';
import type { Bytes, Change, Ids, Mix } from './transform.ts';

export { transforms } from './index.ts';

/** What the samples of a run become, opened for one thread. Everything is a function of (seed, view, index). */
export interface Augmenter {
  /**
   * Changes one sample.
   *
   * @param sample bytes of an image `[height, width, channels]`, or ids of a text
   * @returns the result, which is overwritten by the next call; the sample itself where nothing changes it
   */
  change<Sample extends Bytes | Ids>(sample: Sample, index: number, view: number): Sample;
  /** Present where samples are mixed. */
  pairs?: {
    /** The index of the training sample that a sample is mixed with in a view; -1 where it stays alone. */
    partnerOf(index: number, view: number): number;
    /**
     * Mixes a sample with its partner, both already changed in this view.
     *
     * @returns the share of `image`
     */
    mix(image: Uint8Array, partner: Uint8Array, index: number, view: number, into: Uint8Array): number;
  };
}

/**
 * Opens the transforms of an augmentation.
 *
 * A partner depends on the keys of its sample alone, not on the batch: whoever computes a sample in a view, the outputs stage
 * of a teacher or a student after a resume, mixes the same images in the same shares.
 *
 * @param shape the shape of one sample
 * @param pool the indices that samples are mixed with: those of the training samples, without the validation samples
 */
export function openAugmenter(
  augmentation: Augmentation,
  shape: readonly number[],
  pool: Int32Array | undefined,
): Augmenter {
  const { seed } = augmentation;
  const length = shape.reduce((product, extent) => product * extent, 1);
  const changes: Change<Bytes | Ids>[] = [];
  const mixes: { mix: Mix; probability: number }[] = [];
  let tokens = false;
  for (const choice of transformsOf(augmentation)) {
    const kind = transforms.get(choice.type);
    if (kind.changes === 'pairs')
      mixes.push({ mix: kind.open(choice, shape), probability: choice.probability as number });
    else if (kind.changes === 'tokens') {
      tokens = true;
      changes.push(kind.open(choice) as Change<Bytes | Ids>);
    } else changes.push(kind.open(choice, shape) as Change<Bytes | Ids>);
  }
  const change = composed<Bytes | Ids>(changes, () =>
    tokens ? new Uint16Array(length) : new Uint8Array(length),
  );
  return {
    change: ((sample, index, view) =>
      changes.length === 0
        ? sample
        : change(sample, randomStream(seed, 'augment', view, index))) as Augmenter['change'],
    ...(mixes.length > 0 && { pairs: openPairs(mixes, seed, pool) }),
  };
}

function openPairs(
  mixes: readonly { mix: Mix; probability: number }[],
  seed: number,
  pool: Int32Array | undefined,
): NonNullable<Augmenter['pairs']> {
  if (pool === undefined || pool.length === 0) throw new RangeError('there are no samples to mix with');
  /** The first kind that applies, so that `mixup` with probability 0.5 before `cutmix` is one or the other. */
  const pairOf = (index: number, view: number) => {
    const stream = randomStream(seed, 'mix', view, index);
    const chosen = mixes.find(({ probability }) => stream.uniform() < probability);
    return chosen === undefined ? undefined : { ...chosen, partner: pool[stream.below(pool.length)], stream };
  };
  return {
    partnerOf: (index, view) => pairOf(index, view)?.partner ?? -1,
    mix(image, partner, index, view, into) {
      const pair = pairOf(index, view);
      if (pair === undefined) throw new RangeError(`sample ${index} is not mixed in view ${view}`);
      return pair.mix(image, partner, pair.stream, into);
    },
  };
}
