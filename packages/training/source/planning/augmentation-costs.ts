import { augmentationIdentity, augmentationName, mixesLabels } from '@distillery/datasets';
import { digestOf, type Plan } from '@distillery/spec';
import { outputsEstimate, teachingWork } from './estimate.ts';
import type { Layout, PlannedStudent } from './layout.ts';
import { viewsOf } from './students.ts';

type Costs = Plan['augmentations'][number];

/**
 * What each augmentation of a job's students costs, one entry for every different one and number of views, as if its students
 * were the only ones: outputs that several entries share count in each.
 *
 * @param train the number of training samples
 * @param seeds the number of seeds of the job
 */
export function augmentationCosts(layout: Layout, train: number, seeds: number): Costs[] {
  const groups = new Map<string, PlannedStudent[]>();
  for (const planned of layout.students) {
    const { training } = planned.student;
    const key = digestOf([augmentationIdentity(training.augmentation), String(viewsOf(training))]);
    groups.set(key, [...(groups.get(key) ?? []), planned]);
  }
  return [...groups.values()].map((students) => costsOf(layout, students, train, seeds));
}

function costsOf(layout: Layout, students: readonly PlannedStudent[], train: number, seeds: number): Costs {
  const { training } = students[0].student;
  const views = viewsOf(training);
  const inLoop = students.reduce(
    (sum, planned) => sum + teachingWork(layout, planned, planned.student.training.epochs, train),
    0,
  );
  const stored = outputsEstimate(layout, train, seeds, new Set(students));
  return {
    augmentation: augmentationName(training.augmentation),
    students: students.map(({ student }) => student.name),
    views: views === Infinity ? 'fresh' : views,
    inputs: mixesLabels(training.augmentation) ? 2 : 1,
    outputsBytes: stored.bytes,
    outputsWork: stored.work,
    teachingWork: inLoop * seeds,
  };
}
