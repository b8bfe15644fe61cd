import { expect, test } from 'vitest';
import { pairLengths } from './pair-lengths.ts';

test.each<[number, number, number, [number, number]]>([
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
  expect(pairLengths(first, second, room, room)).toEqual(kept);
});

test('the tokens of an input include the special ones', () => {
  expect(pairLengths(11, 10, 9, 12)).toEqual([5, 4]);
  expect(pairLengths(13, 12, 9, 12)).toEqual([4, 5]);
});
