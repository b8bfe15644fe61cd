import { expect, test } from 'vitest';
import { pairLengths } from './pair-lengths.ts';

test.each([
  [3, 4, 7, [3, 4]],
  [3, 4, 100, [3, 4]],
  [9, 2, 7, [5, 2]],
  [2, 9, 7, [2, 5]],
  [9, 9, 6, [3, 3]],
  [9, 9, 7, [3, 4]],
  [9, 4, 7, [4, 3]],
  [4, 9, 7, [3, 4]],
  [3, 9, 7, [3, 4]],
  [6, 5, 7, [4, 3]],
  [9, 8, 7, [3, 4]],
  [20, 20, 7, [3, 4]],
  [1, 0, 0, [0, 0]],
])('of %i and %i tokens, with room for %i, %j stay', (first, second, room, kept) => {
  expect(pairLengths(first, second, room)).toEqual(kept);
});
