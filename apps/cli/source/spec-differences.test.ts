import type { JobSpecInput } from '@distillery/spec';
import { expect, test } from 'vitest';
import { specDifferences } from './spec-differences.ts';

const spec = (over: object = {}): JobSpecInput => ({
  name: 'a',
  dataset: { source: 'shapes' },
  students: [{ name: 'soft', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
  seeds: [1, 2],
  ...over,
});

test('finds fields that differ, are missing, or are lists of other numbers', () => {
  const other = spec({
    name: 'b',
    seeds: [1, 2, 3],
    students: [
      { name: 'soft', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target', temperature: 4 }] },
    ],
  });
  expect(specDifferences([spec(), other, spec()])).toEqual([
    {
      path: 'seeds',
      values: [
        [1, 2],
        [1, 2, 3],
        [1, 2],
      ],
    },
    { path: 'students.soft.method.0.temperature', values: [undefined, 4, undefined] },
  ]);
});

test('finds nothing between equal specs, whatever their names and labels', () => {
  expect(specDifferences([spec(), spec({ name: 'c', labels: { team: 'blue' } })])).toEqual([]);
});
