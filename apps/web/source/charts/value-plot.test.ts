import { expect, test } from 'vitest';
import { layOutValues, type ValuedTrial } from './value-plot.ts';

const size = { width: 400, height: 200 };
const trial = (value: unknown, accuracy: number, over: Partial<ValuedTrial> = {}): ValuedTrial => ({
  trial: 1,
  value,
  accuracy,
  deviation: null,
  kind: 'whole',
  ...over,
});

test('numbers have an axis, a logarithmic one where they span much', () => {
  const linear = layOutValues([trial(1, 50), trial(2, 60), trial(4, 70)], size);
  const xs = linear?.points.map(({ x }) => x) ?? [];
  expect(xs[2] - xs[1]).toBeCloseTo(2 * (xs[1] - xs[0]));
  const log = layOutValues([trial(0.001, 50), trial(0.01, 60), trial(0.1, 70)], size);
  const at = log?.points.map(({ x }) => x) ?? [];
  expect(at[2] - at[1]).toBeCloseTo(at[1] - at[0]);
  expect(log?.xTicks.map(({ text }) => text)).toEqual(expect.arrayContaining(['0.001', '0.01', '0.1']));
});

test('other values stand side by side, named by their type', () => {
  const plot = layOutValues(
    [trial({ type: 'adam' }, 50), trial({ type: 'sgd', momentum: 0.9 }, 60), trial({ type: 'adam' }, 55)],
    size,
  );
  expect(plot?.xTicks.map(({ text }) => text)).toEqual(['adam', 'sgd']);
  expect(plot?.points[0].x).toBe(plot?.points[2].x);
});

test('everything is within the picture, deviations too, and the best is on top', () => {
  const plot = layOutValues(
    [
      trial(1, 50, { kind: 'best', deviation: 20 }),
      trial(3, 90, { deviation: 5 }),
      trial(2, 10, { kind: 'stopped' }),
    ],
    size,
  );
  expect(plot?.points.map(({ kind }) => kind)).toEqual(['stopped', 'whole', 'best']);
  for (const { x, low, high, y } of plot?.points ?? []) {
    expect(x).toBeGreaterThanOrEqual(plot?.left ?? NaN);
    expect(x).toBeLessThanOrEqual(plot?.right ?? NaN);
    expect(low).toBeLessThanOrEqual((plot?.bottom ?? NaN) + 1e-9);
    expect(high).toBeGreaterThanOrEqual(26 - 1e-9);
    expect(high).toBeLessThanOrEqual(y);
  }
  expect(layOutValues([], size)).toBeUndefined();
});
