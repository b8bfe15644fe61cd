import { augmentationIdentity } from '@distillery/datasets';
import { digestOf } from '@distillery/spec';
import { type Layout, learnersOf, type networkOf, type PlannedStudent, tapsFrom } from './layout.ts';
import { isFresh, type Student, viewsOf } from './students.ts';

/** The stored outputs of one teacher for one augmentation: every tap in every view. */
export interface OutputSet {
  augmentation: Student['training']['augmentation'];
  views: number;
  /** Sorted. */
  taps: string[];
}

/**
 * The outputs of a teacher that are stored: one set for each different augmentation, with the largest number of views and
 * all taps that its students read. Students with fresh views read none. Plan, estimate and outputs stage share this rule.
 *
 * @param teacher a teacher, or a student that teaches others
 * @param learners the students that count. Default: all that learn from it
 */
export function outputSets(
  layout: Layout,
  teacher: string,
  learners: readonly PlannedStudent[] = learnersOf(layout, teacher),
): OutputSet[] {
  const sets = new Map<string, OutputSet>();
  for (const planned of learners) {
    const taps = tapsFrom(layout, planned, teacher);
    const { training } = planned.student;
    if (taps.length === 0 || isFresh(training)) continue;
    const key = digestOf(augmentationIdentity(training.augmentation));
    const set = sets.get(key) ?? { augmentation: training.augmentation, views: 0, taps: [] };
    set.views = Math.max(set.views, viewsOf(training));
    set.taps = [...new Set([...set.taps, ...taps])].sort();
    sets.set(key, set);
  }
  return [...sets.values()];
}

/** The shape of one stored row, without the batch. Stored logits hold only the job's classes. */
export function storedShape({ plan, classMap }: ReturnType<typeof networkOf>, tap: string): number[] {
  return tap === 'logits' && classMap !== undefined ? [classMap.length] : plan.taps[tap];
}
