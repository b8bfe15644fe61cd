import { trainingSchemas } from '@distillery/spec';
import { transforms } from '@distillery/datasets';
import { expect, test } from 'vitest';
import { checkMixedLabels } from './check-augmentations.ts';
import type { PlannedStudent } from './layout.ts';

const { training } = trainingSchemas(transforms);

/** A student whose method reads these fields of a batch. */
function student(index: number | null, types: string[], reads: string[]): PlannedStudent {
  const augmentation = { transforms: types.map((type) => ({ type })) };
  return {
    student: { name: 'one', index, training: training.parse({ augmentation }) },
    method: [
      { name: 'fine', bound: {} },
      { name: 'own_term', bound: { reads } },
    ],
  } as unknown as PlannedStudent;
}

const refused = (...students: PlannedStudent[]) => {
  const fields: Parameters<typeof checkMixedLabels>[1] = [];
  checkMixedLabels(students, fields);
  return fields;
};

test('a term that needs one class for each sample is refused by name where samples are mixed', () => {
  expect(refused(student(2, ['flip', 'cutmix', 'mixup'], ['labels']))).toEqual([
    {
      path: '/students/2/method/1',
      message:
        'own_term needs one class for each sample, but cutmix mixes samples of two; leave out one of them',
      value: 'own_term',
    },
  ]);
});

test('terms that read both classes, or no labels, and samples that are not mixed are fine', () => {
  expect(
    refused(
      student(0, ['mixup'], ['labels', 'mixed']),
      student(1, ['mixup'], ['indices']),
      student(2, ['flip'], ['labels']),
      student(3, [], ['labels']),
    ),
  ).toEqual([]);
});
