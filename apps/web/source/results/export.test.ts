import { expect, test } from 'vitest';
import { toCsv, toMarkdown } from './export.ts';

const table = {
  titles: ['name', 'value'],
  rows: [
    ['a "b", c', 0.123456789],
    ['=SUM(A1)', null],
  ],
};

test('CSV quotes what must be quoted, keeps all digits and runs no formulas', () => {
  expect(toCsv(table)).toBe('name,value\r\n"a ""b"", c",0.123456789\r\n\'=SUM(A1),\r\n');
});

test('Markdown aligns numbers and escapes pipes', () => {
  const rows = [['a|b', '92.31 ± 0.11']];
  expect(toMarkdown({ titles: ['name', 'accuracy'], rows })).toBe(
    '| name | accuracy |\n| --- | ---: |\n| a\\|b | 92.31 ± 0.11 |\n',
  );
});
