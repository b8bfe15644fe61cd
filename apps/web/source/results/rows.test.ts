import { expect, test } from 'vitest';
import { shownMeasures } from './columns.ts';
import { groupsOf, isShared } from './groups.ts';
import { rowsOf } from './rows.ts';
import { exactTable, readableTable } from './tables.ts';
import { reportOf } from './testing/report.ts';

const report = reportOf(94, [
  { name: 'control-mlp', accuracies: [80, 82] },
  { name: 'control-resnet', accuracies: [70, 70], parameters: 50 },
  {
    name: 'soft',
    control: 'control-mlp',
    accuracies: [81, 84],
    method: [{ type: 'soft_target', weight: 1, temperature: 4 }],
  },
  {
    name: 'small',
    control: 'control-resnet',
    accuracies: [70, 69],
    parameters: 50,
    architecture: { type: 'resnet', depth: 8, width: 1 },
  },
]);
const rows = rowsOf(report, 'best');
const row = (name: string) => rows.find((one) => one.name === name);

test('students are compared with their own control, seed by seed', () => {
  expect(row('soft')?.gains.map((gain) => Number(gain.toFixed(4)))).toEqual([0.01, 0.02]);
  expect(row('small')?.gain?.mean).toBeCloseTo(-0.005);
  expect(row('control-mlp')?.gain).toBeNull();
});

test('marks follow the place in the spec, without controls', () => {
  expect(rows.map(({ network }) => network)).toEqual([
    { role: 'teacher' },
    { role: 'control' },
    { role: 'control' },
    { role: 'student', place: 0 },
    { role: 'student', place: 1 },
  ]);
});

test('students stand under their control, with what the group shares', () => {
  const groups = groupsOf(rows);
  expect(
    groups.map(({ title, control, students }) => [title, control?.name, students.map(({ name }) => name)]),
  ).toEqual([
    ['mlp', 'control-mlp', ['soft']],
    ['resnet depth 8', 'control-resnet', ['small']],
  ]);
  expect(groups.map((group) => isShared(group, 'parameters'))).toEqual([true, true]);
});

test('only the columns that differ are shown, and those that were asked for', () => {
  expect(shownMeasures(rows, null).map(({ name }) => name)).toEqual(['accuracy', 'gain', 'above']);
  expect(shownMeasures(rows, ['latency', 'ece']).map(({ name }) => name)).toEqual(['ece', 'latency']);
});

test('tables for programs have all digits, tables for people a deviation', () => {
  const exact = exactTable(rows);
  const soft = exact.rows[3];
  expect(soft[exact.titles.indexOf('accuracy')]).toBeCloseTo(0.825);
  expect(soft[exact.titles.indexOf('accuracy_sd')]).toBeCloseTo(0.0212, 4);
  expect(readableTable(rows, shownMeasures(rows, null)).rows[3]).toEqual([
    'soft',
    'soft_target T 4 alone',
    '82.50 ± 2.12',
    '+1.50 ± 0.71',
    '2/2',
  ]);
});
