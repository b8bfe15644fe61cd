import { expect, test } from 'vitest';
import { rowsOf } from '../../results/rows.ts';
import { reportOf } from '../../results/testing/report.ts';
import { comparedRows, differenceTo } from './compared.ts';

const report = (accuracies: readonly number[], digest: string) => {
  const made = reportOf(90, [{ name: 'a', accuracies }]);
  for (const { best, last } of made.students[0].runs) best.weights.digest = last.weights.digest = digest;
  return made;
};
const row = (accuracies: readonly number[], digest: string) => rowsOf(report(accuracies, digest), 'best')[1];

test('networks are matched by name, also where a job has none or no report', () => {
  const rows = comparedRows(
    [report([80, 81], 'x'), undefined, reportOf(90, [{ name: 'b', accuracies: [70] }])],
    'best',
  );
  expect(rows.map(({ name, rows: own }) => [name, own.map((one) => one?.accuracy.mean)])).toEqual([
    ['teacher', [0.9, undefined, 0.9]],
    ['a', [expect.closeTo(0.805) as number, undefined, undefined]],
    ['b', [undefined, undefined, 0.7]],
  ]);
});

test('a difference above both deviations is clear', () => {
  expect(differenceTo(row([80, 81], 'x'), row([85, 86], 'y'))).toMatchObject({
    kind: 'difference',
    clear: true,
  });
  expect(differenceTo(row([80, 85], 'x'), row([82, 86], 'y'))).toMatchObject({
    kind: 'difference',
    clear: false,
  });
  expect(differenceTo(row([80], 'x'), row([85], 'y'))).toMatchObject({ clear: false });
});

test('the same weights are the same run', () => {
  expect(differenceTo(row([80, 81], 'x'), row([80, 81], 'x'))).toEqual({ kind: 'same' });
  expect(differenceTo(undefined, row([80], 'x'))).toEqual({ kind: 'missing' });
});
