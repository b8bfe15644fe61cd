import { augmentationIdentity } from '@distillery/datasets';
import { digestOf } from '@distillery/spec';
import { type Layout, type networkOf, tapsFrom, viewsOf } from './layout.ts';
import type { Student } from './students.ts';

/** Outputs of one teacher under one augmentation: every tap in every view. */
export interface OutputSet {
  augmentation: Student['training']['augmentation'];
  views: number;
  /** Sorted. */
  taps: string[];
}

/**
 * What is stored of a teacher's outputs: a set for each different augmentation, with the most views and all the taps that
 * its students read. Plan, estimate and the outputs stage all go by it.
 *
 * @param teacher a teacher, or a student that teaches others
 */
export function outputSets(layout: Layout, teacher: string): OutputSet[] {
  const sets = new Map<string, OutputSet>();
  for (const planned of layout.students) {
    const taps = tapsFrom(layout, planned, teacher);
    if (taps.length === 0) continue;
    const { training } = planned.student;
    const key = digestOf(augmentationIdentity(training.augmentation));
    const set = sets.get(key) ?? { augmentation: training.augmentation, views: 0, taps: [] };
    set.views = Math.max(set.views, viewsOf(training));
    set.taps = [...new Set([...set.taps, ...taps])].sort();
    sets.set(key, set);
  }
  return [...sets.values()];
}

/** The shape of one stored row, without the batch: of logits the job's classes are kept, and only these. */
export function storedShape({ plan, classMap }: ReturnType<typeof networkOf>, tap: string): number[] {
  return tap === 'logits' && classMap !== undefined ? [classMap.length] : plan.taps[tap];
}
