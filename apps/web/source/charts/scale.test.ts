import { describe, expect, test } from 'vitest';
import { extentOf, linearScale, logScale } from './scale.ts';

describe('a linear scale', () => {
  test('ends at readable ticks and maps both ways', () => {
    const scale = linearScale([31.4, 63.9], [300, 0], { count: 7 });
    expect(scale.domain).toEqual([30, 65]);
    expect(scale.ticks).toEqual([30, 35, 40, 45, 50, 55, 60, 65]);
    expect(scale(30)).toBe(300);
    expect(scale(65)).toBe(0);
    expect(scale.invert(scale(47.2))).toBeCloseTo(47.2);
  });

  test('has ticks without errors of addition', () => {
    expect(linearScale([0, 0.3], [0, 100], { count: 3 }).ticks).toEqual([0, 0.1, 0.2, 0.3]);
  });

  test('counts epochs in whole numbers, and keeps its ends when asked', () => {
    const scale = linearScale([1, 3], [0, 100], { whole: true, round: false, count: 8 });
    expect(scale.domain).toEqual([1, 3]);
    expect(scale.ticks).toEqual([1, 2, 3]);
  });

  test('puts a single value in the middle', () => {
    const scale = linearScale([5, 5], [0, 100], { round: false });
    expect(scale(5)).toBeCloseTo(50);
  });

  test.each([
    [0, 1],
    [-0.43, 0.93],
    [0.00012, 0.00087],
    [1200, 987_654],
  ])('has 3 to 8 ticks from %d to %d', (low, high) => {
    const { ticks, domain } = linearScale([low, high], [0, 400]);
    expect(ticks.length).toBeGreaterThanOrEqual(3);
    expect(ticks.length).toBeLessThanOrEqual(8);
    expect(domain[0]).toBeLessThanOrEqual(low);
    expect(domain[1]).toBeGreaterThanOrEqual(high);
  });
});

describe('a logarithmic scale', () => {
  test('has ticks at 1 and 3 of each power of ten', () => {
    const scale = logScale([0.05, 2.3], [100, 0]);
    expect(scale.domain).toEqual([0.03, 3]);
    expect(scale.ticks).toEqual([0.03, 0.1, 0.3, 1, 3]);
    expect(scale(0.3)).toBeCloseTo(50);
    expect(scale.invert(50)).toBeCloseTo(0.3);
  });

  test('leaves powers out when there are many', () => {
    expect(logScale([1e-12, 1], [0, 100]).ticks.length).toBeLessThanOrEqual(8);
  });

  test('shows a single value', () => {
    expect(logScale([4, 4], [0, 100])(4)).toBeGreaterThan(0);
  });
});

describe('extentOf', () => {
  test('leaves out what no axis can show', () => {
    expect(
      extentOf([
        [3, null],
        [Number.NaN, -2, undefined],
      ]),
    ).toEqual([-2, 3]);
    expect(extentOf([[3, 0, -2, 0.5]], { positive: true })).toEqual([0.5, 3]);
    expect(extentOf([[null], []])).toBeUndefined();
  });
});
