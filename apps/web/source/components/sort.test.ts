import { expect, test } from 'vitest';
import { sorted, sortOf, sortText } from './sort.ts';

const columns = [
  { name: 'name', sort: (row: { name: string; value: number | null }) => row.name },
  { name: 'value', sort: (row: { value: number | null }) => row.value },
];
const rows = [
  { name: 'r10', value: 2 },
  { name: 'r2', value: null },
  { name: 'r1', value: 5 },
];
const names = (by: string, descending: boolean) =>
  sorted(rows, columns, { by, descending }).map(({ name }) => name);

test('rows without a value come last in both directions', () => {
  expect(names('value', false)).toEqual(['r10', 'r1', 'r2']);
  expect(names('value', true)).toEqual(['r1', 'r10', 'r2']);
});

test('numbers inside names count as numbers, and an unknown column changes nothing', () => {
  expect(names('name', false)).toEqual(['r1', 'r2', 'r10']);
  expect(names('colour', true)).toEqual(['r10', 'r2', 'r1']);
});

test('an order survives its way through the address', () => {
  const order = { by: 'value', descending: true };
  expect(sortOf(sortText(order), { by: 'name', descending: false })).toEqual(order);
  expect(sortOf(null, order)).toBe(order);
});
