import { expect, test } from 'vitest';
import { createSeries } from './series.ts';

test('keeps the shape of a long curve in few values', () => {
  const series = createSeries();
  for (let i = 0; i < 100_000; i++) series.add(i);
  expect(series.values.length).toBeLessThanOrEqual(256);
  expect(series.values.length).toBeGreaterThan(100);
  expect([...series.values].sort((a, b) => a - b)).toEqual(series.values);
  expect(series.values[0]).toBeLessThan(1000);
  expect(series.last).toBe(99_999);
});

test('keeps each value of a short one', () => {
  const series = createSeries();
  expect(series.last).toBeUndefined();
  for (const value of [3, 1, 2]) series.add(value);
  expect(series.values).toEqual([3, 1, 2]);
});
