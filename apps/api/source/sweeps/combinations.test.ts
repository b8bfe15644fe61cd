import { newSweepSchema, type NewSweepInput } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { combinationsOf } from './combinations.ts';

const combinations = (over: NewSweepInput['over'], search?: NewSweepInput['search'], seed?: number) =>
  combinationsOf(newSweepSchema.parse({ job: {}, over, search, seed }));

describe('a grid', () => {
  test('has every combination, the last path fastest', () => {
    expect(combinations({ '/a': { values: [1, 2] }, '/b': { integer: [5, 7] } })).toEqual([
      { '/a': 1, '/b': 5 },
      { '/a': 1, '/b': 6 },
      { '/a': 1, '/b': 7 },
      { '/a': 2, '/b': 5 },
      { '/a': 2, '/b': 6 },
      { '/a': 2, '/b': 7 },
    ]);
  });

  test('refuses ranges of fractions and more than 256 combinations, naming the path', () => {
    const fields = (over: NewSweepInput['over']) => {
      try {
        return combinations(over);
      } catch (error) {
        return (error as { fields: { path: string }[] }).fields.map(({ path }) => path);
      }
    };
    expect(fields({ '/training/a~1b': { uniform: [0, 1] } })).toEqual(['/over/~1training~1a~01b']);
    expect(fields({ '/a': { integer: [1, 100] }, '/b': { values: [1, 2, 3] } })).toEqual(['/over']);
    expect(fields({ '/a': { integer: [0, 1e9] } })).toEqual(['/over']);
  });
});

describe('random search', () => {
  const over: NewSweepInput['over'] = {
    '/rate': { logUniform: [1e-4, 1e-1] },
    '/share': { uniform: [-1, 1] },
    '/count': { integer: [3, 5] },
    '/kind': { values: [{ type: 'a' }, null] },
  };
  const random = (trials: number, seed = 0, of = over) => combinations(of, { type: 'random', trials }, seed);

  test('draws from each range, and the same for the same seed', () => {
    const drawn = random(200);
    expect(drawn).toHaveLength(200);
    expect(random(200)).toEqual(drawn);
    expect(random(200, 1)).not.toEqual(drawn);
    const of = (path: string) => drawn.map((values) => values[path] as number);
    expect(Math.min(...of('/rate'))).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...of('/rate'))).toBeLessThanOrEqual(1e-1);
    // Half of the logarithms are below their middle.
    expect(of('/rate').filter((rate) => rate < 10 ** -2.5).length).toBeGreaterThan(80);
    expect(of('/rate').filter((rate) => rate < 10 ** -2.5).length).toBeLessThan(120);
    expect(Math.min(...of('/share'))).toBeLessThan(-0.9);
    expect(Math.max(...of('/share'))).toBeGreaterThan(0.9);
    expect(new Set(of('/count'))).toEqual(new Set([3, 4, 5]));
    expect(new Set(drawn.map((values) => JSON.stringify(values['/kind'])))).toEqual(
      new Set(['{"type":"a"}', 'null']),
    );
  });

  test('more trials, or a further path, change no draw', () => {
    expect(random(20).slice(0, 10)).toEqual(random(10));
    const rates = (of: NewSweepInput['over']) => random(10, 0, of).map((values) => values['/rate']);
    expect(rates({ ...over, '/other': { uniform: [0, 1] } })).toEqual(rates(over));
  });

  test('tries no combination twice', () => {
    expect(random(50, 0, { '/a': { values: [1, 2] }, '/b': { values: [1, 2] } })).toHaveLength(4);
  });
});

test('a range must rise, and a path must be a pointer', () => {
  const over = (path: string, domain: unknown) =>
    newSweepSchema.safeParse({ job: {}, over: { [path]: domain } }).success;
  expect(over('/a', { uniform: [0, 1] })).toBe(true);
  expect(over('/a', { uniform: [1, 0] })).toBe(false);
  expect(over('/a', { logUniform: [0, 1] })).toBe(false);
  expect(over('/a', { integer: [0.5, 2] })).toBe(false);
  expect(over('/a', { values: [] })).toBe(false);
  for (const path of ['a', '', '/', '/a//b', '/a/', '/a~2b'])
    expect(over(path, { values: [1] }), path).toBe(false);
});
