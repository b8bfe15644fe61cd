import { createHash } from 'node:crypto';
import type { Choice, DatasetProfile } from '@distillery/spec';
import { type DatasetContext, type DatasetKind, inputKind, type Split } from '../dataset.ts';
import { namedDuplicates } from './named-duplicates.ts';
import { type Contents, duplicatesOf } from './duplicates.ts';
import { eachSample } from './each-sample.ts';
import { columnStatistics, pixelStatistics, textLengths } from './numbers.ts';
import { previewsOf } from './previews.ts';
import { profileWarnings } from './warnings.ts';

const mostColumns = 100;

/**
 * Reads all of a data set and describes it. Memory holds the labels, eight bytes for each sample, and a few megabytes.
 *
 * @throws DistilleryError `data_error` for data that cannot be used, which names the file or the line
 */
export async function profileDataset(
  kind: DatasetKind,
  choice: Choice<'source'>,
  context: DatasetContext,
): Promise<DatasetProfile> {
  const begun = performance.now();
  const dataset = await kind.load(choice, context);
  const { classes, shape, train, test, skipped, notes = [] } = dataset;
  const inputs = inputKind(dataset);
  const pixels = inputs === 'image' ? pixelStatistics(shape[2] ?? 1) : undefined;
  const lengths = inputs === 'text' ? textLengths() : undefined;
  const columns = dataset.columns && columnStatistics(dataset.columns.slice(0, mostColumns));
  const inTrain = await contentsOf(train, context, (bytes) => {
    pixels?.add(bytes);
    columns?.add(new Float32Array(bytes.buffer, bytes.byteOffset, shape.length === 1 ? shape[0] : 0));
    lengths?.add(tokensOf(bytes));
  });
  const inTest = await contentsOf(test, context, (bytes) => lengths?.add(tokensOf(bytes)));
  const { validation = 0, unlabeled = 0 } = dataset;
  const labelled = train.count - unlabeled;
  const own = labelled - validation;
  const countsOf = (labels: Int32Array) => labelCounts(labels, classes.length);
  const splits = {
    train: countsOf(train.labels.subarray(0, own)),
    ...(dataset.validation !== undefined && { validation: countsOf(train.labels.subarray(own, labelled)) }),
    test: countsOf(test.labels),
    ...(unlabeled > 0 && { unlabeled }),
  };
  const files = await kind.describeFiles?.(choice, context);
  const duplicates = namedDuplicates(duplicatesOf(inTrain, inTest), files?.names, dataset);
  const channels = columns?.result() ?? channelsOf(shape, pixels?.result());
  return {
    inputs,
    shape: [...shape],
    classes,
    splits,
    bytes: (train.count + test.count) * train.reader.bytes,
    channels,
    sizes: files?.sizes ?? null,
    lengths: lengths?.result() ?? null,
    duplicates,
    skipped: { count: skipped.count, first: [...skipped.first] },
    notes: [...notes],
    warnings: profileWarnings({ classes, splits, duplicates, channels }),
    preview: await previewsOf(dataset),
    seconds: Math.round(performance.now() - begun) / 1000,
  };
}

const tokensOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new Uint16Array(buffer, byteOffset, byteLength / 2);

async function contentsOf(
  split: Split,
  { signal }: DatasetContext,
  visit: (bytes: Uint8Array) => void,
): Promise<Contents> {
  const digests = new BigUint64Array(split.count);
  await eachSample(
    split,
    (bytes, index) => {
      visit(bytes);
      digests[index] = createHash('sha1').update(bytes).digest().readBigUInt64LE();
    },
    signal,
  );
  return { digests, labels: split.labels };
}

function labelCounts(labels: Int32Array, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of labels) counts[label]++;
  return counts;
}

function channelsOf(
  shape: readonly number[],
  pixels: { mean: number; std: number }[] | undefined,
): DatasetProfile['channels'] {
  const names = shape[2] === 1 ? ['grey'] : ['red', 'green', 'blue'];
  return (pixels ?? []).map((found, channel) => ({ name: names[channel] ?? `channel ${channel}`, ...found }));
}
