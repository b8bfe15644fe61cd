import { randomStream } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { samplesByClass } from './samples-by-class.ts';
import { splitValidation } from './split.ts';

/** The options of sources that hold test samples out of the others where the data give none. */
export const heldOutOptions = {
  testFraction: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.1)
    .describe('The share of each class that is held out for testing where the data give no test split.'),
  testSeed: z
    .int()
    .min(0)
    .max(4294967295)
    .optional()
    .describe('Another seed holds out other samples. Default: always the same ones.'),
  folds: z
    .strictObject({
      count: z.int().min(2).max(100).describe('The number of folds.'),
      index: z.int().min(0).max(99).describe('The fold that is the test split, from 0.'),
    })
    .refine(({ count, index }) => index < count, {
      path: ['index'],
      message: 'must be below the number of folds',
    })
    .optional()
    .describe(
      'Cross-validation in place of `testFraction`: the samples of each class are dealt to `count` folds by `testSeed`, and fold `index` is the test split. A job for each index tests every sample once.',
    ),
};
export interface HeldOutChoice {
  testFraction: number;
  testSeed?: number | undefined;
  folds?: { count: number; index: number } | undefined;
}

/** The seed of sources of rows and arrays; it differs from the seed that chooses validation samples among the others. */
const usualSeed = 1;

/**
 * Holds out test samples, the same share of each class. A class of one sample keeps it for training.
 *
 * @param labels `[count]`
 * @returns sorted indices of the samples that are held out
 */
export function heldOutSamples(labels: Int32Array, choice: HeldOutChoice): Int32Array {
  const { testFraction, testSeed: seed = usualSeed, folds } = choice;
  if (folds === undefined) return splitValidation(labels.length, labels, testFraction, seed).validation;
  const held: number[] = [];
  let before = 0;
  for (const [label, indices] of [...samplesByClass(labels)].sort(([a], [b]) => a - b)) {
    randomStream(seed, 'folds', label).shuffle(indices);
    held.push(...indices.filter((_, rank) => isHeldOut(rank, indices.length, before, choice)));
    before += indices.length;
  }
  return Int32Array.from(held).sort();
}

/**
 * Whether a sample of a shuffled class is held out for testing.
 *
 * @param rank its place in the class
 * @param size the number of samples of the class
 * @param before the number of samples of all earlier classes: the folds take turns, so that small classes do not fill the first one
 */
export function isHeldOut(
  rank: number,
  size: number,
  before: number,
  { testFraction, folds }: HeldOutChoice,
): boolean {
  if (size < 2) return false;
  if (folds !== undefined) return (before + rank) % folds.count === folds.index;
  return rank < Math.min(size - 1, Math.max(1, Math.round(size * testFraction)));
}

/** @throws DistilleryError `data_error` where folds are asked for of data that give a test split */
export function refuseFolds({ folds }: Pick<HeldOutChoice, 'folds'>): void {
  if (folds === undefined) return;
  const message = 'the data give a test split, which folds would replace: leave out one of them';
  throw new DistilleryError('data_error', message, {
    fields: [{ path: '/dataset/folds', message, value: folds }],
  });
}
