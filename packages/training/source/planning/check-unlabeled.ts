import { mixesLabels } from '@distillery/datasets';
import type { FieldError } from '@distillery/spec';
import type { PlannedStudent } from './layout.ts';
import { pathOf } from './students.ts';

/** The gradient of cross-entropy with respect to the input, which is that of a class. */
const inputGradient = 'input_gradient';

/**
 * Adds an entry to `fields` for each part of a student's training that needs the class of every sample, where some samples have
 * none. Students without teachers, and those that teach each other, learn from the others alone.
 *
 * @param unlabeled the number of samples without a class
 */
export function checkUnlabeled(
  students: readonly PlannedStudent[],
  unlabeled: number,
  fields: FieldError[],
): void {
  if (unlabeled === 0) return;
  const remedy = `${unlabeled} training samples have none: leave it out, or set "unlabeled" of the data set to "ignore"`;
  for (const { student, method } of students) {
    const { teachers, training, combine } = student;
    if (student.index === null || teachers.length === 0) continue;
    for (const [index, { name, bound }] of method.entries()) {
      const { reads = [] } = bound;
      const needsClass =
        (reads.includes('labels') && !reads.includes('labelled')) ||
        [...bound.student, ...bound.teacher].some((tap) => tap.endsWith(inputGradient));
      if (needsClass)
        fields.push({
          path: `${pathOf(student)}/method/${index}`,
          message: `${name} needs the class of each sample, and ${remedy}`,
          value: name,
        });
    }
    const needs = (path: string, what: string, value: unknown) =>
      fields.push({ path, message: `${what} needs the class of each sample, and ${remedy}`, value });
    if (teachers.length > 1 && combine === 'best')
      needs(`${pathOf(student)}/combine`, 'the choice of the best teacher', combine);
    if (training.sampling === 'balanced') needs('/training/sampling', 'balanced sampling', training.sampling);
    if (mixesLabels(training.augmentation))
      needs('/training/augmentation', 'mixing samples', training.augmentation);
  }
}
