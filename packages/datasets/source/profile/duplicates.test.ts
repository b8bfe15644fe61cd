import { expect, test } from 'vitest';
import { duplicatesOf } from './duplicates.ts';

const contents = (...samples: [bigint, number][]) => ({
  digests: BigUint64Array.from(samples, ([digest]) => digest),
  labels: Int32Array.from(samples, ([, label]) => label),
});

test('tells duplicates, leaks and conflicts apart', () => {
  const train = contents([1n, 0], [2n, 1], [1n, 0], [3n, 0], [3n, 1]);
  const test = contents([4n, 0], [2n, 1], [4n, 0], [1n, 1], [1n, 1]);
  expect(duplicatesOf(train, test)).toEqual({
    // The second 1 and the second 3.
    train: 2,
    // The second 4 and the second 1.
    test: 2,
    // 2 and both 1.
    leaks: 3,
    // The second 3, and 1 as another class.
    conflicts: 3,
    examples: [
      { first: { split: 'train', index: 3 }, second: { split: 'train', index: 4 } },
      { first: { split: 'train', index: 1 }, second: { split: 'test', index: 1 } },
      { first: { split: 'train', index: 0 }, second: { split: 'test', index: 3 } },
      { first: { split: 'train', index: 0 }, second: { split: 'test', index: 4 } },
    ],
  });
});

test('finds nothing among different samples', () => {
  const none = { train: 0, test: 0, leaks: 0, conflicts: 0, examples: [] };
  expect(duplicatesOf(contents([1n, 0], [2n, 0]), contents([3n, 0]))).toEqual(none);
  expect(duplicatesOf(contents(), contents())).toEqual(none);
});
