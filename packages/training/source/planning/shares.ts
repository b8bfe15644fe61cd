import { augmentationIdentity } from '@distillery/datasets';
import { digestOf, type JobSpec, validationOf } from '@distillery/spec';
import type { Student, Teacher } from './students.ts';

/**
 * Identifies what a stage of a teacher makes: its training, or its outputs for the samples of the job. Two jobs that would make the
 * same have equal keys, as far as a plan can tell. The store's addresses decide what is reused; a key only lets one stage wait
 * for the other.
 *
 * Outputs of one teacher have one key whatever taps and views are asked for: what one stage stores, the next one need not.
 */
export function teacherShares(what: 'teacher' | 'outputs', spec: JobSpec, teacher: Teacher): string {
  const { options, training, initial, dataset = spec.dataset } = teacher;
  const network =
    training === undefined
      ? { ...options, name: undefined, weight: undefined }
      : {
          architecture: options.architecture,
          training: { ...training, augmentation: augmentationIdentity(training.augmentation) },
          initial,
          dataset,
        };
  const data = what === 'outputs' ? spec.dataset : undefined;
  return keyOf([what, network, data, validationOf(spec)]);
}

/**
 * Identifies a run of a shared control. One that starts from a teacher of its job has no key, because the weights of that teacher are
 * not known before it is trained.
 */
export function controlShares(spec: JobSpec, control: Student, seed: number): string | undefined {
  const { architecture, training, initial } = control;
  if (spec.baseline !== 'shared' || initial?.from !== undefined) return undefined;
  const { seed: _, ...settings } = training;
  return keyOf([
    'control',
    architecture,
    settings,
    initial,
    seed,
    spec.dataset,
    validationOf(spec),
    spec.until,
  ]);
}

function keyOf(parts: readonly unknown[]): string {
  return digestOf(parts.map((part) => part ?? null)).slice(0, 16);
}
