import { expect, test } from 'vitest';
import { initialValues } from './initialize.ts';
import type { ParameterSpec } from './network.ts';

const weight = (name: string, shape: number[], bound = 0.5): ParameterSpec => ({
  name,
  shape,
  initializer: { type: 'uniform', bound },
  interchange: shape.map((_, axis) => axis),
  trainable: true,
});

test('uniform values fill the bounds evenly and stay within them', () => {
  const { a } = initialValues([weight('a', [100, 200], 0.25)], 1);
  expect(a).toHaveLength(20_000);
  const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
  const variance = a.reduce((sum, value) => sum + (value - mean) ** 2, 0) / a.length;
  expect(Math.max(...a)).toBeLessThanOrEqual(0.25);
  expect(Math.min(...a)).toBeGreaterThanOrEqual(-0.25);
  expect(Math.max(...a)).toBeGreaterThan(0.249);
  expect(Math.min(...a)).toBeLessThan(-0.249);
  expect(Math.abs(mean)).toBeLessThan(0.004);
  // (2b)²/12
  expect(variance).toBeCloseTo(0.25 ** 2 / 3, 3);
});

test('normal values have the given deviation', () => {
  const normal = { ...weight('a', [100, 200]), initializer: { type: 'normal' as const, deviation: 0.1 } };
  const { a } = initialValues([normal], 1);
  const moment = (power: number) => a.reduce((sum, value) => sum + (value / 0.1) ** power, 0) / a.length;
  // Four standard errors of the mean, of the variance and of the fourth moment of 20,000 normal numbers.
  expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(20_000));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / 20_000));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / 20_000));
  expect(initialValues([normal], 1).a).toEqual(a);
  expect(initialValues([normal], 2).a).not.toEqual(a);
});

test('constant values are constant', () => {
  const one = { ...weight('a', [3]), initializer: { type: 'constant' as const, value: 1 } };
  expect(initialValues([one], 9)).toEqual({ a: Float32Array.of(1, 1, 1) });
});

test('the same seed gives the same bytes, and another seed or name different ones', () => {
  const of = (name: string, seed: number) => initialValues([weight(name, [64])], seed)[name];
  expect(of('a', 3)).toEqual(of('a', 3));
  expect(of('a', 3)).not.toEqual(of('a', 4));
  expect(of('a', 3)).not.toEqual(of('b', 3));
});

test('a parameter does not depend on the other parameters', () => {
  const alone = initialValues([weight('b', [8])], 3).b;
  expect(initialValues([weight('a', [5]), weight('b', [8]), weight('c', [2])], 3).b).toEqual(alone);
});

test('seed 0 is a valid seed', () => {
  expect(initialValues([weight('a', [8])], 0)).toEqual(initialValues([weight('a', [8])], 0));
});
