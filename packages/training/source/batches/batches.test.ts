import { type Dataset, memorySplit } from '@distillery/datasets';
import { type Augmentation, sha256 } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { batchMaker, epochOrder } from './batches.ts';

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

/** Makes batches of what the split's reader would read. */
function maker(augmented: Augmentation | undefined) {
  const make = batchMaker({ dataset, split, augmentation: augmented });
  return (indices: Int32Array, view?: number) => make(gathered(inputs, pixels, indices), indices, view);
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

test('an epoch visits every image once, in an order of its own', () => {
  const indices = Int32Array.from({ length: count }, (_, i) => 2 * i);
  const order = epochOrder(indices, 42, 0);
  expect([...order].sort((a, b) => a - b)).toEqual([...indices]);
  expect(epochOrder(indices, 42, 0)).toEqual(order);
  expect(epochOrder(indices, 42, 1)).not.toEqual(order);
  expect(epochOrder(indices, 43, 0)).not.toEqual(order);
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
});
