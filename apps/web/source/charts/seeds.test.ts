import { describe, expect, test } from 'vitest';
import { meanOfSeeds, nearest, valueAt } from './seeds.ts';

describe('the mean over seeds', () => {
  test('reaches to the epoch that all started seeds have', () => {
    const curve = meanOfSeeds([
      { x: [1, 2, 3], y: [1, 2, 3] },
      { x: [1, 2], y: [3, 6] },
      { x: [], y: [] },
    ]);
    expect(curve.x).toEqual([1, 2]);
    expect(curve.mean).toEqual([2, 4]);
    expect(curve.sd[0]).toBeCloseTo(Math.SQRT2);
    expect(curve.sd[1]).toBeCloseTo(Math.sqrt(8));
  });

  test('has no deviation for a single seed, and nothing without seeds', () => {
    expect(meanOfSeeds([{ x: [1], y: [5] }])).toEqual({ x: [1], mean: [5], sd: [null] });
    expect(meanOfSeeds([])).toEqual({ x: [], mean: [], sd: [] });
  });

  test('reads thinned runs between their points, and leaves gaps where a value is missing', () => {
    const curve = meanOfSeeds([
      { x: [10, 20, 30], y: [1, null, 3] },
      { x: [10, 31], y: [1, 43] },
    ]);
    expect(curve.x).toEqual([10, 20, 30]);
    expect(curve.mean).toEqual([1, null, 22]);
  });
});

test('a value lies on the line between its neighbours, and not outside', () => {
  const run = { x: [0, 10], y: [0, 5] };
  expect([valueAt(run, -1), valueAt(run, 4), valueAt(run, 10), valueAt(run, 11)]).toEqual([null, 2, 5, null]);
});

test('the nearest value is found on both sides', () => {
  expect([-5, 4, 6, 99].map((value) => nearest([0, 10, 20], value))).toEqual([0, 0, 1, 2]);
  expect(nearest([], 3)).toBe(-1);
});
