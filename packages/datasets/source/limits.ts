import { randomStream } from '@distillery/engine';
import { digestOf } from '@distillery/spec';
import { z } from 'zod';
import type { Dataset, DatasetOutline, Split } from './dataset.ts';
import type { Subset } from './readers/subset.ts';
import { samplesByClass } from './samples-by-class.ts';

/** The options that restrict a source to a part of its samples. */
export const limitOptions = {
  trainLimit: z
    .int()
    .min(1)
    .optional()
    .describe(
      'The largest number of training samples to keep, in the same proportions of the classes. Default: all.',
    ),
  testLimit: z
    .int()
    .min(1)
    .optional()
    .describe(
      'The largest number of test samples to keep, in the same proportions of the classes. Default: all.',
    ),
};

export interface Limits {
  trainLimit?: number | undefined;
  testLimit?: number | undefined;
}

export function limitedOutline(outline: DatasetOutline, { trainLimit, testLimit }: Limits): DatasetOutline {
  const { trainCount, validation = 0 } = outline;
  return {
    ...outline,
    trainCount: Math.min(trainCount - validation, trainLimit ?? Infinity) + validation,
    testCount: Math.min(outline.testCount, testLimit ?? Infinity),
  };
}

/**
 * The part of a data set within the limits, which leave given validation samples as they are. Its digest derives from the digest
 * of the whole and the limits.
 */
export function limited(dataset: Dataset, { trainLimit, testLimit }: Limits): Dataset {
  const train = limitedSplit(dataset.train, trainLimit, dataset.validation);
  const test = limitedSplit(dataset.test, testLimit);
  if (train === dataset.train && test === dataset.test) return dataset;
  const digest = digestOf({ of: dataset.digest, train: train.count, test: test.count });
  return { ...dataset, digest, train, test };
}

/**
 * The indices of the samples of a split that a limit keeps; undefined where it keeps all.
 *
 * @param apart the number of samples at the end that are kept in addition
 */
export function keptSamples(labels: Int32Array, limit = Infinity, apart = 0): Int32Array | undefined {
  const count = labels.length - apart;
  if (count <= limit) return undefined;
  // Shuffles each class, interleaves the classes in proportion to their sizes, and takes the first ones in their original order.
  const paced = [...samplesByClass(labels.subarray(0, count))].flatMap(([label, indices]) =>
    randomStream(0, 'limit', label)
      .shuffle(indices)
      .map((index, rank) => ({ index, pace: (rank + 0.5) / indices.length })),
  );
  paced.sort((a, b) => a.pace - b.pace || a.index - b.index);
  const kept = new Int32Array(limit + apart);
  for (let at = 0; at < kept.length; at++) kept[at] = at < limit ? paced[at].index : count + at - limit;
  return kept.sort();
}

function limitedSplit(split: Split, limit: number | undefined, apart?: number): Split {
  const kept = keptSamples(split.labels, limit, apart);
  if (kept === undefined) return split;
  const { shape, bytes, digest } = split.reader;
  const reader: Subset = {
    kind: 'subset',
    of: split.reader,
    indices: kept,
    count: kept.length,
    shape,
    bytes,
    digest: digestOf({ of: digest, first: kept.length }),
  };
  return { reader, labels: kept.map((index) => split.labels[index]), count: kept.length };
}
