import { expect, test } from 'vitest';
import { smoothed } from './smooth.ts';

test('a constant stays constant from its first value on', () => {
  for (const value of smoothed([3, 3, 3, 3], 0.9)) expect(value).toBeCloseTo(3);
});

test('a step is reached slowly, and missing values change nothing', () => {
  const [first, gap, second] = smoothed([0, null, 1], 0.5);
  expect([first, gap]).toEqual([0, null]);
  // (0.5·0.5·0 + 0.5·1) / (1 - 0.25)
  expect(second).toBeCloseTo(2 / 3);
});

test('a weight of 0 changes nothing', () => {
  expect(smoothed([1, null, 5], 0)).toEqual([1, null, 5]);
});
