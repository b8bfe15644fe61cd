import { type Dataset, memorySplit, transforms } from '@distillery/datasets';
import { openAugmenter } from '@distillery/datasets/augmenter';
import { type Augmentation, sha256 } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { batchMaker, epochOrder, partnersOf, withPartners } from './batches.ts';

const shape: [number, number, number] = [6, 6, 2];
const count = 40;
const pixels = 72;
const inputs = Uint8Array.from({ length: count * pixels }, (_, i) => (i * 7 + 3) % 256);
const labels = Int32Array.from({ length: count }, (_, i) => i % 4);
const split = memorySplit({ inputs, labels }, { shape, bytes: pixels, digest: 'd' });
const dataset: Dataset = {
  digest: '',
  classes: ['a', 'b', 'c', 'd'],
  shape,
  train: split,
  test: split,
  skipped: { count: 0, first: [] },
  normalization: { mean: [0.5, 0.25], std: [0.5, 0.2] },
};
const augmentation = { type: 'crop_flip', seed: 7, views: 4 } as const;

/** The samples that others are mixed with: not all of them, as some are held out for validation. */
const pool = Int32Array.from({ length: 30 }, (_, i) => i);

/** Makes batches of what the split's reader would read. */
function maker(augmented: Augmentation | undefined) {
  const augmenter = augmented && openAugmenter(augmented, shape, pool);
  const make = batchMaker({ dataset, split, augmentation: augmented }, augmenter);
  return (indices: Int32Array, view?: number) => {
    const partners = partnersOf(augmenter, indices, view);
    return make(gathered(inputs, pixels, withPartners(indices, partners)), indices, view, partners);
  };
}

/** The inputs of these indices, of so many bytes each. */
function gathered(all: Uint8Array, bytes: number, indices: Int32Array): Uint8Array {
  const read = new Uint8Array(indices.length * bytes);
  indices.forEach((index, i) => read.set(all.subarray(index * bytes, (index + 1) * bytes), i * bytes));
  return read;
}

describe('a batch', () => {
  test('is normalised channel by channel, in the order asked for', () => {
    const batch = maker(undefined)(Int32Array.from([5, 2]));
    expect([...batch.labels]).toEqual([1, 2]);
    const [first, second] = [inputs[5 * pixels], inputs[5 * pixels + 1]];
    expect(batch.inputs[0]).toBeCloseTo((first / 255 - 0.5) / 0.5, 6);
    expect(batch.inputs[1]).toBeCloseTo((second / 255 - 0.25) / 0.2, 6);
    expect(batch.inputs[pixels]).toBeCloseTo((inputs[2 * pixels] / 255 - 0.5) / 0.5, 6);
  });

  test('is augmented by image and view, whatever else is in it', () => {
    const make = maker(augmentation);
    const alone = make(Int32Array.from([9]), 1).inputs;
    const among = make(Int32Array.from([3, 9, 30]), 1).inputs.slice(pixels, 2 * pixels);
    expect(among).toEqual(alone);
    const other = make(Int32Array.from([9]), 2).inputs;
    const reseeded = maker({ ...augmentation, seed: 8 })(Int32Array.from([9]), 1).inputs;
    expect([other, reseeded]).not.toContainEqual(alone);
  });

  test('a flip mirrors columns and leaves rows and channels', () => {
    const plain = maker(undefined);
    const flip = maker({ ...augmentation, type: 'flip' });
    const kinds = Array.from({ length: count }, (_, index) => {
      const one = Int32Array.from([index]);
      const [from, to] = [plain(one).inputs, flip(one).inputs];
      const mirrored = from.map((_, i) => {
        const [y, x, c] = [Math.floor(i / 12), Math.floor(i / 2) % 6, i % 2];
        return from[y * 12 + (5 - x) * 2 + c];
      });
      return to.every((v, i) => v === from[i])
        ? 'same'
        : to.every((v, i) => v === mirrored[i])
          ? 'mirrored'
          : 'wrong';
    });
    expect(new Set(kinds)).toEqual(new Set(['same', 'mirrored']));
    expect(kinds.filter((kind) => kind === 'mirrored').length).toBeGreaterThan(count / 4);
  });

  test('a crop shifts by at most 4 pixels and pads with black', () => {
    const make = maker(augmentation);
    const images = make(Int32Array.from({ length: count }, (_, i) => i)).inputs;
    const black = Math.fround((0 - 0.5) / 0.5);
    const padded = images.filter((value, i) => i % 2 === 0 && value === black).length;
    expect(padded).toBeGreaterThan(0);
    expect(padded).toBeLessThan((count * pixels) / 2);
  });
});

test('the bytes of augmented and normalised images do not move', () => {
  const all = Int32Array.from({ length: count }, (_, i) => i);
  const digests = (['none', 'flip', 'crop_flip'] as const).map((type) => {
    const make = maker({ ...augmentation, type });
    return sha256(Buffer.concat([0, 3].map((view) => new Uint8Array(make(all, view).inputs.buffer))));
  });
  expect(digests).toEqual([
    'b6985ee31a830f178f3f763f0e6f26c2689e2d36176ea9dab8ea7080e336d546',
    'c17b42e49c36210bdcdceb16575c118ecabc9024c7f46a63d39b36d2777c4c5a',
    '6ba4a0967813c22ae64609a01d9b535e49410257143a9455244b2c1897739bf2',
  ]);
});

describe('a batch of mixed images', () => {
  const list = (...choices: object[]): Augmentation => ({
    type: 'none',
    transforms: choices.map((choice) => transforms.schema.parse(choice)),
    seed: 7,
    views: 4,
  });
  const mixup = list({ type: 'mixup', probability: 0.8 });
  const everything = Int32Array.from({ length: count }, (_, i) => i);

  test('has the partner and the share of each image by its keys, whatever else is in it', () => {
    const make = maker(mixup);
    const all = make(everything, 1);
    for (const indices of [Int32Array.of(9), Int32Array.of(3, 9, 30), everything.slice().reverse()]) {
      const some = make(indices, 1);
      indices.forEach((index, i) => {
        const at = (values: ArrayLike<number>, row: number) =>
          Array.from(values).slice(row * pixels, (row + 1) * pixels);
        expect(at(some.inputs, i)).toEqual(at(all.inputs, index));
        expect(some.mixed?.labels[i]).toBe(all.mixed?.labels[index]);
        expect(some.mixed?.shares[i]).toBe(all.mixed?.shares[index]);
      });
    }
    expect(make(everything, 2).mixed).not.toEqual(all.mixed);
  });

  test('is the mean of two normalised images by the share, up to the rounding of bytes', () => {
    const augmenter = openAugmenter(mixup, shape, pool);
    const plain = maker(undefined)(everything).inputs;
    const batch = maker(mixup)(everything, 1);
    const partners = partnersOf(augmenter, everything, 1) as Int32Array;
    expect(partners.some((partner) => partner < 0)).toBe(true);
    expect(Math.max(...partners)).toBeLessThan(pool.length);
    everything.forEach((index) => {
      const { labels: others, shares } = batch.mixed as NonNullable<typeof batch.mixed>;
      const partner = partners[index] < 0 ? index : partners[index];
      if (partners[index] < 0) expect(shares[index]).toBe(1);
      expect(others[index]).toBe(labels[partner]);
      for (let i = 0; i < pixels; i++) {
        const expected =
          shares[index] * plain[index * pixels + i] + (1 - shares[index]) * plain[partner * pixels + i];
        // Half a byte, divided by the smaller deviation.
        expect(Math.abs(batch.inputs[index * pixels + i] - expected)).toBeLessThan(0.5 / 255 / 0.2 + 1e-5);
      }
    });
  });

  test('mixes images as the other transforms leave each of them', () => {
    const flipped = list({ type: 'flip', probability: 1 }, { type: 'mixup', probability: 0.8 });
    const mirrored = (batch: { inputs: Float32Array }) =>
      batch.inputs.map((_, i) => {
        const [image, y, x, c] = [Math.floor(i / 72), Math.floor(i / 12) % 6, Math.floor(i / 2) % 6, i % 2];
        return batch.inputs[image * 72 + y * 12 + (5 - x) * 2 + c];
      });
    const [with_, without] = [maker(flipped)(everything, 3), maker(mixup)(everything, 3)];
    expect(with_.inputs).toEqual(mirrored(without));
    expect(with_.mixed).toEqual(without.mixed);
  });

  test('a partner is changed as it is when it is a sample itself', () => {
    const one = Int32Array.of(4);
    const augmented = list({ type: 'crop_flip' }, { type: 'cutmix' });
    const batch = maker(augmented)(one, 0);
    const [partner] = partnersOf(openAugmenter(augmented, shape, pool), one, 0) as Int32Array;
    const crop = maker(list({ type: 'crop_flip' }));
    const [own, other] = [crop(one, 0).inputs, crop(Int32Array.of(partner), 0).inputs];
    expect(batch.inputs.every((value, i) => value === own[i] || value === other[i])).toBe(true);
    expect(batch.inputs).not.toEqual(own);
  });
});

test('an epoch visits every image once, in an order of its own', () => {
  const indices = Int32Array.from({ length: count }, (_, i) => 2 * i);
  const order = epochOrder(indices, 42, 0);
  expect([...order].sort((a, b) => a - b)).toEqual([...indices]);
  expect(epochOrder(indices, 42, 0)).toEqual(order);
  expect(epochOrder(indices, 42, 1)).not.toEqual(order);
  expect(epochOrder(indices, 43, 0)).not.toEqual(order);
});

test('an epoch in windows visits every image once, a part of neighbours near each other', () => {
  const [window, part] = [64, 8];
  const indices = Int32Array.from({ length: 1000 }, (_, i) => 3 * i);
  const order = epochOrder(indices, 42, 0, window);
  expect([...order].sort((a, b) => a - b)).toEqual([...indices]);
  expect(epochOrder(indices, 42, 0, window)).toEqual(order);
  expect(epochOrder(indices, 42, 1, window)).not.toEqual(order);
  // Each window mixes whole parts, of all over the data.
  for (let from = 0; from + window <= order.length; from += window) {
    const parts = new Set(
      Array.from(order.subarray(from, from + window), (index) => Math.floor(index / 3 / part)),
    );
    expect(parts.size).toBe(window / part);
  }
  expect(
    new Set(Array.from(order.subarray(0, part), (index) => Math.floor(index / 3 / part))).size,
  ).toBeGreaterThan(1);
  // Data within one window are shuffled as a whole.
  expect(epochOrder(indices, 42, 0, 1000)).toEqual(epochOrder(indices, 42, 0));
});

test('a batch of texts is their ids as they are, up to the largest', () => {
  const ids = Uint16Array.from([5, 0, 0, 65_535, 256, 1, 7, 8, 0]);
  const all = new Uint8Array(ids.buffer);
  const described = { shape: [3], bytes: 6, digest: 't' };
  const texts = memorySplit({ inputs: all, labels: Int32Array.of(2, 0, 1) }, described);
  const make = batchMaker({ dataset: { shape: [3] }, split: texts, augmentation: undefined });
  const indices = Int32Array.of(1, 0);
  const batch = make(gathered(all, 6, indices), indices);
  expect([...batch.inputs]).toEqual([65_535, 256, 1, 5, 0, 0]);
  expect([[...batch.labels], batch.size]).toEqual([[0, 2], 2]);
  const chosen: Augmentation = {
    type: 'none',
    transforms: [transforms.schema.parse({ type: 'token_dropout', probability: 0.5 })],
    seed: 1,
    views: 4,
  };
  const dropping = batchMaker(
    { dataset: { shape: [3] }, split: texts, augmentation: chosen },
    openAugmenter(chosen, [3], undefined),
  );
  const views = [0, 1, 2, 3, 4].map((view) => [...dropping(gathered(all, 6, indices), indices, view).inputs]);
  expect(new Set(views.map(String)).size).toBeGreaterThan(1);
  for (const view of views) expect(view.every((id, i) => id === 0 || id === batch.inputs[i])).toBe(true);
});
