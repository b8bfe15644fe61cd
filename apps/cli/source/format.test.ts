import { expect, test } from 'vitest';
import { bytes, duration, integer, percent } from './format.ts';
import { table } from './table.ts';

test.each([
  [0, '0 s'],
  [7.4, '7 s'],
  [59.6, '1:00'],
  [185, '3:05'],
  [7629, '2:07:09'],
  [null, '–'],
])('%s seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test.each([
  [12, '12 B'],
  [1536, '1.5 KiB'],
  [1_071_448, '1.0 MiB'],
  [170_052_171, '162 MiB'],
])('%s bytes are %s', (size, text) => expect(bytes(size)).toBe(text));

test('formats shares and counts', () => {
  expect([percent(0.7053), percent(null), integer(1_186_986)]).toEqual(['70.5 %', '–', '1,186,986']);
});

test('a table fits its widest cells and ignores colours', () => {
  const coloured = `${String.fromCharCode(27)}[31mred${String.fromCharCode(27)}[39m`;
  const lines = table(
    [{ title: 'a' }, { title: 'number', align: 'right' }],
    [
      ['long cell', '1'],
      [coloured, '12345678'],
    ],
  ).split('\n');
  expect(lines[2]).toBe('  long cell          1');
  expect(lines[3]).toBe(`  ${coloured}         12345678`);
});
