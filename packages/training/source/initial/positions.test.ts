import { expect, test } from 'vitest';
import { gridsOf, resizedPositions } from './positions.ts';

test('tables of squares of patches behind the same tokens are resized, others are not', () => {
  expect(gridsOf([1, 197, 8], [1, 37, 8], 1)).toEqual({ before: 1, from: 14, to: 6 });
  expect(gridsOf([1, 18, 8], [1, 6, 8], 2)).toEqual({ before: 2, from: 4, to: 2 });
  for (const [source, own] of [
    [
      [1, 5, 8],
      [1, 5, 8],
    ],
    [
      [1, 5, 8],
      [1, 10, 4],
    ],
    [
      [1, 7, 8],
      [1, 5, 8],
    ],
    [
      [5, 8],
      [10, 8],
    ],
    [
      [1, 1, 8],
      [1, 5, 8],
    ],
  ])
    expect(gridsOf(source, own, 1), `${source} → ${own}`).toBeUndefined();
});

test('the first tokens stay, and the middle of a table is interpolated', () => {
  // One channel: a class token of 9, then 2×2 patches.
  const table = Float32Array.of(9, 0, 1, 2, 3);
  const resized = resizedPositions(table, 1, { before: 1, from: 2, to: 3 });
  expect(resized).toHaveLength(10);
  expect(resized[0]).toBe(9);
  // The middle is the mean of all four, and the table stays symmetric about it.
  expect(resized[5]).toBeCloseTo(1.5, 6);
  for (let i = 1; i < 10; i++) expect(resized[i] + resized[10 - i]).toBeCloseTo(3, 5);
});
