import { expect, test } from 'vitest';
import { usualSize } from './image-options.ts';

test('equal sizes need no word', () => {
  expect(
    usualSize([
      [32, 48],
      [32, 48],
    ]),
  ).toEqual({ size: [32, 48], notes: [] });
});

test('a single image does not decide for those that agree', () => {
  const { size, notes } = usualSize([
    [1, 1],
    [480, 640],
    [480, 640],
    [480, 640],
  ]);
  expect(size).toEqual([480, 640]);
  expect(notes).toEqual([
    'the images have different sizes, from 1×1 to 480×640 pixels among 4 of them; each is scaled to 480×640, which `size` and `fit` change',
  ]);
});

test('where sizes vary, the medians of heights and widths do', () => {
  expect(
    usualSize([
      [10, 400],
      [20, 300],
      [30, 200],
      [40, 100],
      [50, 50],
    ]).size,
  ).toEqual([30, 200]);
});
