import { randomStream } from '@distillery/engine';
import type { Dataset, DatasetOutline } from './dataset.ts';
import { samplesByClass } from './samples-by-class.ts';

/** How the validation samples are held out. */
interface HeldOut {
  fraction: number;
  seed: number;
}

/**
 * Chooses the validation samples of the training split: those that the source gives, or a seeded random part. With a fraction of
 * 0 there are none, and given ones are left out.
 *
 * @returns sorted indices into the training split: those to train on that have a class, those to validate on, and those that students
 *   with teachers train on, which are the first and all without a class
 */
export function trainingIndices(
  { train, validation, unlabeled = 0 }: Pick<Dataset, 'train' | 'validation' | 'unlabeled'>,
  { fraction, seed }: HeldOut,
): TrainingIndices {
  const labelled = train.count - unlabeled;
  const every = Int32Array.from({ length: train.count }, (_, index) => index);
  const withStudents = (found: Omit<TrainingIndices, 'students'>) => ({
    ...found,
    students: unlabeled === 0 ? found.train : Int32Array.from([...found.train, ...every.subarray(labelled)]),
  });
  if (validation === undefined)
    return withStudents(splitValidation(labelled, train.labels.subarray(0, labelled), fraction, seed));
  const own = labelled - validation;
  return withStudents({
    train: every.subarray(0, own),
    validation: fraction === 0 ? new Int32Array() : every.subarray(own, labelled),
  });
}

export interface TrainingIndices {
  train: Int32Array;
  validation: Int32Array;
  students: Int32Array;
}

/** About how many samples `trainingIndices` chooses. */
export function trainingCounts(
  { trainCount, validation, unlabeled = 0 }: Pick<DatasetOutline, 'trainCount' | 'validation' | 'unlabeled'>,
  { fraction }: Pick<HeldOut, 'fraction'>,
): { train: number; validation: number; students: number } {
  const labelled = trainCount - unlabeled;
  const aside = validation ?? Math.round(labelled * fraction);
  const train = labelled - aside;
  return { train, validation: fraction === 0 ? 0 : aside, students: train + unlabeled };
}

/**
 * Holds out a seeded random part of the training samples for validation, the same share of each class.
 *
 * @param count the number of training samples
 * @param labels `[count]`
 * @param fraction the share of each class, in [0, 1), rounded to whole samples. Above 0, a class of two samples or more has
 *   at least one in each part; a class of one sample keeps it for training
 * @returns sorted indices into the training split; every index is in exactly one of the two lists
 * @throws RangeError when `fraction` is outside [0, 1), or the number of labels is not `count`
 */
export function splitValidation(
  count: number,
  labels: Int32Array,
  fraction: number,
  seed: number,
): { train: Int32Array; validation: Int32Array } {
  if (labels.length !== count) throw new RangeError(`${labels.length} labels for ${count} images`);
  if (!(fraction >= 0 && fraction < 1)) throw new RangeError(`fraction must be in [0, 1): ${fraction}`);
  const train: number[][] = [];
  const validation: number[][] = [];
  for (const [label, indices] of samplesByClass(labels)) {
    // Each class has a random stream, so that its choice does not change when another class grows.
    randomStream(seed, 'validation', label).shuffle(indices);
    const least = fraction > 0 ? 1 : 0;
    const aside = Math.min(indices.length - 1, Math.max(least, Math.round(indices.length * fraction)));
    validation.push(indices.slice(0, aside));
    train.push(indices.slice(aside));
  }
  const sorted = (parts: number[][]) => Int32Array.from(parts.flat()).sort();
  return { train: sorted(train), validation: sorted(validation) };
}
