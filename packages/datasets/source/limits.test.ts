import { expect, test } from 'vitest';
import type { Dataset } from './dataset.ts';
import { limited, limitedOutline } from './limits.ts';
import { memorySplit } from './memory-dataset.ts';
import { allInputs } from './testing/all-inputs.ts';

/** 60 images of class 0, 30 of 1, 10 of 2; both pixels of an image hold its index. */
function split(count = 100) {
  const labels = Int32Array.from({ length: count }, (_, i) => (i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2));
  const inputs = Uint8Array.from({ length: 2 * count }, (_, i) => i >> 1);
  return memorySplit({ inputs, labels }, { shape: [1, 2, 1], bytes: 2, digest: `${count}` });
}
const dataset: Dataset = {
  digest: 'd',
  classes: ['a', 'b', 'c'],
  shape: [1, 2, 1],
  train: split(),
  test: split(50),
  skipped: { count: 0, first: [] },
  normalization: { mean: [0], std: [1] },
};

test('without limits nothing changes', () => {
  expect(limited(dataset, {})).toBe(dataset);
  expect(limited(dataset, { trainLimit: 100, testLimit: 1000 })).toBe(dataset);
});

test('a limit keeps the share of each class, and pixels with their labels', async () => {
  const { train, test: rest, digest } = limited(dataset, { trainLimit: 20 });
  expect(rest).toBe(dataset.test);
  expect(train.count).toBe(20);
  expect([0, 1, 2].map((label) => train.labels.filter((l) => l === label).length)).toEqual([12, 6, 2]);
  const inputs = await allInputs(train);
  train.labels.forEach((label, i) => {
    const index = inputs[2 * i];
    expect(inputs[2 * i + 1]).toBe(index);
    expect(dataset.train.labels[index]).toBe(label);
  });
  const indices = Array.from({ length: 20 }, (_, i) => inputs[2 * i]);
  expect([...indices].sort((a, b) => a - b)).toEqual(indices);
  expect(new Set(indices).size).toBe(20);
  expect(digest).not.toBe('d');
  expect(limited(dataset, { trainLimit: 21 }).digest).not.toBe(digest);
  expect(limited(dataset, { trainLimit: 20 })).toEqual(limited(dataset, { trainLimit: 20 }));
});

test('given validation samples are kept behind the limited ones', async () => {
  const given = { ...dataset, validation: 10 };
  const { train, validation } = limited(given, { trainLimit: 20 });
  expect([train.count, validation]).toEqual([30, 10]);
  const indices = [...(await allInputs(train))].filter((_, i) => i % 2 === 0);
  expect(indices.slice(20)).toEqual(Array.from({ length: 10 }, (_, i) => 90 + i));
  expect(Math.max(...indices.slice(0, 20))).toBeLessThan(90);
  expect([...train.labels]).toEqual(indices.map((index) => dataset.train.labels[index]));
  expect(limited(given, { trainLimit: 90 })).toBe(given);
  const outline = { classes: ['a'], shape: [1, 2, 1], trainCount: 100, testCount: 5, validation: 10 };
  expect(limitedOutline(outline, { trainLimit: 20 }).trainCount).toBe(30);
});

test('the outline has the limited counts', () => {
  const outline = {
    classes: ['a'],
    shape: [1, 1, 1] as [number, number, number],
    trainCount: 10,
    testCount: 5,
  };
  expect(limitedOutline(outline, { trainLimit: 4, testLimit: 9 })).toEqual({
    ...outline,
    trainCount: 4,
    testCount: 5,
  });
});
