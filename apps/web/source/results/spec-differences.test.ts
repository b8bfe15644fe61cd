import { expect, test } from 'vitest';
import { specFields } from './spec-differences.ts';

const spec = (temperature: number, order: readonly string[] = ['a', 'b']) => ({
  dataset: { source: 'shapes' },
  students: order.map((name) => ({
    name,
    architecture: { type: 'mlp', hidden: [8, 4] },
    method: [{ type: 'soft_target', temperature }, { type: 'cross_entropy' }],
  })),
});

test('students and terms are matched by name, whatever their order', () => {
  expect(specFields([spec(4), spec(4, ['b', 'a'])]).filter(({ differs }) => differs)).toEqual([]);
});

test('tells the path of what differs, and what one of the specs leaves out', () => {
  const fields = specFields([spec(4), { ...spec(2), seeds: [1, 2] }]);
  expect(fields.filter(({ differs }) => differs)).toEqual([
    { path: 'students · a · method · soft_target · temperature', values: ['4', '2'], differs: true },
    { path: 'students · b · method · soft_target · temperature', values: ['4', '2'], differs: true },
    { path: 'seeds', values: [undefined, '1, 2'], differs: true },
  ]);
});

test('lists of numbers are one value, and the kind of an architecture is a field', () => {
  const fields = new Map(specFields([spec(4)]).map(({ path, values }) => [path, values[0]]));
  expect(fields.get('students · a · architecture · hidden')).toBe('8, 4');
  expect(fields.get('students · a · architecture · type')).toBe('mlp');
});

test('a student or a term that only one spec has is one row', () => {
  const plain = {
    ...spec(4, ['a']),
    students: [{ ...spec(4, ['a']).students[0], method: [{ type: 'cross_entropy' }] }],
  };
  expect(specFields([spec(4), plain]).filter(({ differs }) => differs)).toEqual([
    { path: 'students · a · method · soft_target', values: ['yes', undefined], differs: true },
    { path: 'students · b', values: ['yes', undefined], differs: true },
  ]);
});
