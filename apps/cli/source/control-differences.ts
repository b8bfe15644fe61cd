import type { Report } from '@distillery/spec';

type Student = Report['students'][number];

/**
 * Returns how much higher the test accuracy of a student is than that of its control with the same seed, after the last
 * epoch: a share from -1 to 1 for each seed that both have; none for a student without a control.
 */
export function differencesFromControl({ control, runs }: Student, students: readonly Student[]): number[] {
  const other = students.find(({ name }) => name === control);
  return runs.flatMap(({ seed, last }) => {
    const same = other?.runs.find((run) => run.seed === seed);
    return same === undefined ? [] : [last.testAccuracy - same.last.testAccuracy];
  });
}
