import { expect, test } from 'vitest';
import { bestStudentOf } from './best-student.ts';
import type { Report } from './report.ts';
import { spreadOf } from './spread.ts';

/** A student with one accuracy for each seed, 1, 2 and so on; the other fields of a report decide nothing here. */
function student(name: string, control: string | null, accuracies: readonly number[]) {
  const runs = accuracies.map((testAccuracy, i) => ({ seed: i + 1, best: { testAccuracy } }));
  return { name, control, runs, testAccuracy: { best: spreadOf(accuracies) } };
}
const bestOf = (...students: ReturnType<typeof student>[]) =>
  bestStudentOf({ students } as unknown as Pick<Report, 'students'>);

test('is the one that gained most, seed by seed, not the most accurate one', () => {
  const best = bestOf(
    student('small-control', null, [0.5, 0.6]),
    student('small', 'small-control', [0.55, 0.63]),
    student('large-control', null, [0.8, 0.82]),
    student('large', 'large-control', [0.81, 0.83]),
  );
  expect(best?.name).toBe('small');
  expect(best?.testAccuracy.mean).toBeCloseTo(0.59, 12);
  expect(best?.overControl?.mean).toBeCloseTo(0.04, 12);
  expect(best?.overControl?.sd).toBeCloseTo(spreadOf([0.05, 0.03]).sd as number, 12);
});

test('a loss is told as one', () => {
  expect(bestOf(student('control', null, [0.6]), student('worse', 'control', [0.5]))?.overControl).toEqual({
    mean: expect.closeTo(-0.1, 12),
    sd: null,
  });
});

test('without controls the most accurate one counts, and controls alone are no students', () => {
  expect(bestOf(student('a', null, [0.4]), student('b', null, [0.6]))).toMatchObject({
    name: 'b',
    overControl: null,
  });
  expect(bestOf()).toBeNull();
});
