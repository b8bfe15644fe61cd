import { expect, test } from 'vitest';
import { sparkline } from './sparkline.ts';

test('the lowest value is the lowest block, and the highest one the highest', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([5, 1], 20)).toBe('█▁');
});

test('more values than columns are averaged', () => {
  expect(sparkline([0, 0, 1, 1, 2, 2, 7, 7], 4)).toBe('▁▂▃█');
  expect(
    sparkline(
      Array.from({ length: 1000 }, (_, i) => i),
      8,
    ),
  ).toBe('▁▂▃▄▅▆▇█');
});

test('equal values are a flat line, and values that are not finite are left out', () => {
  expect(sparkline([2, 2, 2], 5)).toBe('▄▄▄');
  expect(sparkline([1, NaN, 2, Infinity], 5)).toBe('▁█');
  expect(sparkline([], 5)).toBe('');
});
