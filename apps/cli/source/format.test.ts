import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { bytes, duration, integer, percent } from './format.ts';
import { reportTable } from './report-table.ts';
import { table } from './table.ts';
import { reportOf, studentOf } from './testing/report.ts';

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
  expect(lines[2]).toBe('  long cell         1');
  expect(lines[3]).toBe(`  ${coloured}        12345678`);
});

test('a table fits the terminal: titles and texts take several lines, numbers stay whole', () => {
  const rows = [['a student with a rather long name', '1,186,986', '73.8 ± 0.4']];
  const columns = [
    { title: 'network' },
    { title: 'parameters', align: 'right' as const },
    { title: 'test %, last epoch', align: 'right' as const },
  ];
  expect(stripVTControlCharacters(table(columns, rows, 40))).toBe(
    [
      '                                 test %,',
      '  network         parameters  last epoch',
      '  ──────────────────────────────────────',
      '  a student with   1,186,986  73.8 ± 0.4',
      '  a rather long',
      '  name',
    ]
      .map((line) => line.trimEnd())
      .join('\n'),
  );
});

test("a student's gain is the mean over the seeds of the difference from its control", () => {
  const labels = [
    { last: 0.5, best: 0.5 },
    { last: 0.6, best: 0.6 },
  ];
  const control = { ...studentOf({ name: 'control', runs: labels }), control: null };
  const runs = [
    { last: 0.56, best: 0.6 },
    { last: 0.62, best: 0.6 },
  ];
  const soft = { ...studentOf({ name: 'soft', runs }), control: 'control' };
  const lines = stripVTControlCharacters(reportTable(reportOf([control, soft]))).split('\n');
  // 6 and 2 points.
  expect(lines.find((line) => line.startsWith('  soft'))).toContain('  +4.0 ± 2.8  ');
  expect(lines.find((line) => line.startsWith('  control'))).not.toContain('+');
});

test('a report fits 80 columns', () => {
  const students = ['soft_target', 'attention_on_all_the_stages_with_a_long_name'].map((name) =>
    studentOf({
      name,
      runs: [
        { last: 0.7, best: 0.71 },
        { last: 0.69, best: 0.72 },
      ],
    }),
  );
  const text = stripVTControlCharacters(reportTable(reportOf(students)));
  const [, ...lines] = text.slice(0, text.indexOf('\n\n')).split('\n');
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});
