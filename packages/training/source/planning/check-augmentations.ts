import { type Changed, type InputKind, mixesLabels, transforms, transformsOf } from '@distillery/datasets';
import type { Augmentation, FieldError } from '@distillery/spec';
import type { PlannedStudent } from './layout.ts';
import { pathOf } from './students.ts';

/** The data that each kind of transform is for. */
const changed: Record<Changed, InputKind> = { pixels: 'image', pairs: 'image', tokens: 'text' };

/**
 * Adds an entry to `fields` for each transform that does not fit the data, or changes single samples after samples have been
 * mixed.
 *
 * @param path a JSON pointer to the augmentation
 */
export function checkAugmentation(
  path: string,
  augmentation: Augmentation,
  input: InputKind,
  fields: FieldError[],
): void {
  const listed = augmentation.transforms !== undefined;
  const fitting = transforms.list.filter(({ changes }) => changed[changes] === input).map(({ type }) => type);
  let mixing: string | undefined;
  for (const [index, { type }] of transformsOf(augmentation).entries()) {
    const { changes } = transforms.get(type);
    const at = listed ? `${path}/transforms/${index}/type` : `${path}/type`;
    if (changed[changes] !== input) {
      fields.push({
        path: at,
        message: `augments ${changed[changes]}s, but the data set holds ${input}s`,
        value: type,
        allowed: listed ? fitting : ['none'],
      });
    } else if (mixing !== undefined && changes !== 'pairs') {
      fields.push({
        path: at,
        message: `must come before ${mixing}, which mixes samples that the other transforms have changed`,
        value: type,
      });
    }
    if (changes === 'pairs') mixing ??= type;
  }
}

/** Adds an entry to `fields` for each term that reads whole labels, of students whose samples are mixed from two classes. */
export function checkMixedLabels(students: readonly PlannedStudent[], fields: FieldError[]): void {
  for (const { student, method } of students) {
    const { augmentation } = student.training;
    if (student.index === null || !mixesLabels(augmentation)) continue;
    for (const [index, { name, bound }] of method.entries()) {
      if (bound.reads?.includes('labels') !== true || bound.reads.includes('mixed')) continue;
      const mixing = transformsOf(augmentation).find(({ type }) => transforms.get(type).changes === 'pairs');
      fields.push({
        path: `${pathOf(student)}/method/${index}`,
        message: `${name} needs one class for each sample, but ${mixing?.type} mixes samples of two; leave out one of them`,
        value: name,
      });
    }
  }
}
