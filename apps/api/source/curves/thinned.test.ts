import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostPoints, Thinned } from './thinned.ts';

const value = fc.oneof(
  { weight: 9, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((one) => one + 0) },
  fc.constant(null),
  fc.constant(Number.NaN),
);

function thinned(values: readonly (number | null)[]): Thinned {
  const curve = new Thinned();
  values.forEach((one, i) => curve.add(i + 1, 1 + Math.floor(i / 10), one));
  return curve;
}

test('a short curve is sent as it is', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 300 }), (values) => {
      expect(thinned(values).points(mostPoints)).toEqual({
        step: values.map((_, i) => i + 1),
        epoch: values.map((_, i) => 1 + Math.floor(i / 10)),
        value: values.map((one) => (Number.isFinite(one) ? one : null)),
      });
    }),
  );
});

test('a point has the mean, the smallest and the largest value of its rows, and its last step', () => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 299 }),
      (values, most) => {
        const { step, value: means, min, max } = thinned(values).points(most);
        expect(step.length).toBeLessThanOrEqual(most);
        expect(step.at(-1)).toBe(values.length);
        let from = 0;
        for (const [i, to] of step.entries()) {
          const rows = values
            .slice(from, to)
            .filter((one) => one !== null && Number.isFinite(one)) as number[];
          const mean = rows.reduce((sum, one) => sum + one, 0) / rows.length;
          if (rows.length === 0) expect(means[i]).toBeNull();
          else
            expect(Math.abs((means[i] as number) - mean)).toBeLessThanOrEqual(
              1e-6 * Math.max(...rows.map(Math.abs)),
            );
          if (min !== undefined) expect(min[i]).toBe(rows.length === 0 ? null : Math.min(...rows));
          if (max !== undefined) expect(max[i]).toBe(rows.length === 0 ? null : Math.max(...rows));
          from = to;
        }
      },
    ),
  );
});

test('a million rows take the memory of some thousand points, and no extreme is lost', () => {
  const curve = new Thinned();
  for (let step = 1; step <= 1_000_000; step++) curve.add(step, 1, step === 345_678 ? 50 : Math.sin(step));
  expect(curve.bytes).toBeLessThanOrEqual(mostPoints * 6 * 8);
  const { step, max } = curve.points(1500);
  expect(step.length).toBeGreaterThan(1000);
  expect(step.length).toBeLessThanOrEqual(1500);
  expect(step.at(-1)).toBe(1_000_000);
  expect(Math.max(...(max as number[]))).toBe(50);
});
