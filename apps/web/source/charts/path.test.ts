import { expect, test } from 'vitest';
import { bandPath, linePath, stepPath } from './path.ts';

test('a line is cut where a value is missing', () => {
  expect(linePath([0, 10, 20, 30, 40], [1, 2.04, null, 4, 5])).toBe('M0 1L10 2M30 4L40 5');
});

test('a lonely point becomes a dot', () => {
  expect(linePath([0, 10, 20], [null, 3, null])).toBe('M10 3h0.01');
  expect(linePath([5], [3])).toBe('M5 3h0.01');
});

test('a band goes there along the upper line and back along the lower one', () => {
  expect(bandPath([0, 10], [1, 2], [5, 6])).toBe('M0 1L10 2L10 6L0 5Z');
  expect(bandPath([0, 10, 20, 30, 40], [1, 1, null, 1, 1], [2, 2, 2, 2, 2])).toBe(
    'M0 1L10 1L10 2L0 2ZM30 1L40 1L40 2L30 2Z',
  );
  expect(bandPath([0], [1], [2])).toBe('');
});

test('steps hold each value until the next one', () => {
  expect(stepPath([0, 10, 20], [5, 3])).toBe('M0 5V5H10V3H20');
});
