import { z } from 'zod';
import { type Report, spreadSchema } from './report.ts';
import { spreadOf } from './spread.ts';

export const bestStudentSchema = z.object({
  name: z.string().describe('The name of the student.'),
  testAccuracy: spreadSchema.describe(
    'The accuracy on the test set, 0 to 1, of the epochs with the best validation accuracy, over all seeds.',
  ),
  overControl: spreadSchema
    .nullable()
    .describe(
      'How much higher that is than the accuracy of its control with the same seed, as a share; null without a control.',
    ),
});
/** The student that gained most from its teacher, as the list of jobs shows it. */
export type BestStudent = z.output<typeof bestStudentSchema>;

/**
 * Returns the student with the highest mean gain over its control, or of students without controls the most accurate one.
 * Students that are controls of others do not count; null when there are no others.
 */
export function bestStudentOf({ students }: Pick<Report, 'students'>): BestStudent | null {
  const controls = new Set(students.map(({ control }) => control));
  const candidates = students
    .filter(({ name, runs }) => !controls.has(name) && runs.length > 0)
    .map(({ name, control, runs, testAccuracy }): BestStudent => {
      const others = students.find((one) => one.name === control)?.runs ?? [];
      const gains = runs.flatMap(({ seed, best }) => {
        const same = others.find((run) => run.seed === seed);
        return same === undefined ? [] : [best.testAccuracy - same.best.testAccuracy];
      });
      return {
        name,
        testAccuracy: testAccuracy.best,
        overControl: gains.length === 0 ? null : spreadOf(gains),
      };
    });
  const gain = ({ overControl }: BestStudent) => overControl?.mean ?? -Number.MAX_VALUE;
  candidates.sort((a, b) => gain(b) - gain(a) || b.testAccuracy.mean - a.testAccuracy.mean);
  return candidates[0] ?? null;
}
