import { classNamesOption } from '../option-shapes.ts';
import { chosenClasses, type ClassChoice, classKey, classOptions } from '../classes.ts';
import type { About, Dataset, DatasetContext, DatasetOutline } from '../dataset.ts';
import { decodedOnce } from '../decoded.ts';
import { type HeldOutChoice, heldOutOptions, heldOutSamples, refuseFolds } from '../held-out.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { asDataError } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';
import { yieldToEvents } from '../yield-to-events.ts';
import { channelStatistics } from './channel-statistics.ts';

/** The most bytes of images that are written to disk. */
const maximumBytes = 64 * 2 ** 30;
const maximumClasses = 10_000;
const maximumChannels = 64;
const maximumSide = 4096;

/** The options of sources whose images lie in arrays. */
export const imageArrayOptions = {
  classNames: classNamesOption(maximumClasses, 'numbers'),
  ...heldOutOptions,
  ...classOptions,
  ...limitOptions,
};
type Choice = HeldOutChoice & {
  path: string;
  classNames?: string[] | undefined;
  classes?: ClassChoice;
  trainLimit?: number | undefined;
  testLimit?: number | undefined;
};

/** The images of one split with their labels. */
export interface ImageArray {
  /** Names the array in errors. */
  where: string;
  count: number;
  /** `[height, width, channels]` */
  shape: number[];
  /** `[count]`, numbers of classes. */
  labels: readonly number[] | Int32Array;
  /** Yields whole images as bytes, some at a time, valid until the next ones are asked for. */
  images(): AsyncIterable<Uint8Array>;
}

export interface ImageArrays {
  /** Everything that the decoded images depend on. */
  fingerprint: unknown;
  train: ImageArray;
  /** Absent: a part of the training images is held out. */
  test: ImageArray | undefined;
  /** The names of the label numbers from 0, where the data have them. Absent: the numbers themselves. */
  names?: string[] | undefined;
  /** As in a data set. */
  notes?: readonly string[];
}

/** Opens the arrays of a choice. Errors that are no DistilleryError are about the path. */
type Open = (context: DatasetContext) => Promise<ImageArrays>;

/** Describes images in arrays, of which it reads the headers and the labels alone. */
export async function outlineArrays(
  open: Open,
  choice: Choice,
  context: DatasetContext,
): Promise<DatasetOutline> {
  return asDataError(choice, context, async () => {
    const arrays = await open(context);
    const { classes, train, test } = surveyOf(arrays, choice);
    const counts = { trainCount: train.length, testCount: test.length };
    return limitedOutline({ classes, shape: [...arrays.train.shape], ...counts }, choice);
  });
}

/** Loads images in arrays, normalised with the mean and the standard deviation of the training images. */
export async function loadArrays(open: Open, choice: Choice, context: DatasetContext): Promise<Dataset> {
  return asDataError(choice, context, async () => {
    const arrays = await open(context);
    const survey = surveyOf(arrays, choice);
    const { classNames, testFraction, testSeed, folds } = choice;
    const fingerprint = {
      arrays: arrays.fingerprint,
      classNames,
      testFraction,
      testSeed,
      folds,
      ...classKey(choice.classes),
    };
    const decoded = await decodedOnce(fingerprint, context, (writers) =>
      decode(arrays, survey, writers, context),
    );
    return limited(decoded, choice);
  });
}

interface Survey {
  classes: string[];
  train: Int32Array;
  test: Int32Array;
  /** The split of each image of both arrays; undefined for one that is not used. */
  splitOf: Record<'train' | 'test', (index: number) => 'train' | 'test' | undefined>;
}

/** @throws RangeError for images or labels that do not fit each other */
function surveyOf(
  { train, test, names }: ImageArrays,
  { classNames = names, classes: choice, ...held }: Choice,
): Survey {
  for (const part of [train, ...(test ? [test] : [])]) checkPart(part);
  if (test !== undefined && `${test.shape}` !== `${train.shape}`)
    throw new RangeError(
      `${test.where}: images of [${test.shape}], but those of ${train.where} are [${train.shape}]`,
    );
  const numbers = classNames?.map((_, index) => index) ?? [...new Set(train.labels)].sort((a, b) => a - b);
  if (numbers.length < 2)
    throw new RangeError(`${train.where}: all images have the label ${names?.[0] ?? numbers[0]}`);
  if (numbers.length > maximumClasses)
    throw new RangeError(`${train.where}: more than ${maximumClasses} different labels`);
  const rank = new Map(numbers.map((number, index) => [number, index]));
  const found = classNames ?? numbers.map(String);
  const { classes, indices } = chosenClasses(found, choice);
  const ranked = ({ where, labels }: ImageArray) =>
    Int32Array.from(labels, (label, index) => {
      const place = rank.get(label);
      if (place !== undefined) return indices[place];
      const known = classNames === undefined ? 'no training image has' : 'has no name in "classNames"';
      throw new RangeError(`${where}: image ${index} has the label ${label}, which ${known}`);
    });
  const all = ranked(train);
  const bytes = (train.count + (test?.count ?? 0)) * train.shape.reduce((a, b) => a * b);
  if (bytes > maximumBytes)
    throw new RangeError(`${train.where}: ${bytes} bytes of images, more than ${maximumBytes}`);
  const isUsed = (label: number) => label >= 0;
  if (test !== undefined) {
    refuseFolds(held);
    const tested = ranked(test);
    if (!tested.some(isUsed)) throw new RangeError(`${test.where}: holds no image of the chosen classes`);
    return {
      classes,
      train: all.filter(isUsed),
      test: tested.filter(isUsed),
      splitOf: {
        train: (index) => (isUsed(all[index]) ? 'train' : undefined),
        test: (index) => (isUsed(tested[index]) ? 'test' : undefined),
      },
    };
  }
  const used = Int32Array.from(all.keys()).filter((index) => isUsed(all[index]));
  const labels = used.map((index) => all[index]);
  const apart = heldOutSamples(labels, held);
  if (apart.length === 0)
    throw new RangeError(`${train.where}: the classes have too few images to hold out some for testing`);
  const aside = new Uint8Array(all.length);
  for (const place of apart) aside[used[place]] = 1;
  const part = (own: 0 | 1) => all.filter((label, index) => isUsed(label) && aside[index] === own);
  const splitOf = (index: number) =>
    isUsed(all[index]) ? (aside[index] === 1 ? 'test' : 'train') : undefined;
  return { classes, train: part(0), test: part(1), splitOf: { train: splitOf, test: splitOf } };
}

function checkPart({ where, count, shape, labels }: ImageArray): void {
  const [height, width, channels] = shape;
  if (count === 0) throw new RangeError(`${where}: holds no images`);
  if (Math.min(height, width, channels) < 1 || Math.max(height, width) > maximumSide)
    throw new RangeError(`${where}: images of [${shape}]; sides must be from 1 to ${maximumSide}`);
  if (channels > maximumChannels)
    throw new RangeError(
      `${where}: images of [${shape}]; the last axis must hold at most ${maximumChannels} channels`,
    );
  if (labels.length !== count) throw new RangeError(`${where}: ${labels.length} labels for ${count} images`);
}

async function decode(
  { train, test, notes }: ImageArrays,
  { classes, splitOf, ...labels }: Survey,
  writers: { train: SplitWriter; test: SplitWriter },
  { signal }: DatasetContext,
): Promise<About> {
  const [height, width, channels] = train.shape;
  const statistics = channelStatistics(channels);
  const done = { train: 0, test: 0 };
  const fill = async ({ where, images, shape }: ImageArray, array: 'train' | 'test') => {
    const bytes = shape.reduce((a, b) => a * b);
    let index = 0;
    try {
      for await (const block of images()) {
        await yieldToEvents(signal);
        for (let at = 0; at < block.length; at += bytes) {
          const image = block.subarray(at, at + bytes);
          const split = splitOf[array](index++);
          if (split === undefined) continue;
          if (split === 'train') statistics.add(image);
          writers[split].put(done[split], labels[split][done[split]], image);
          done[split]++;
        }
      }
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new RangeError(`${where}: ${cause.message}`, { cause });
    }
  };
  await fill(train, 'train');
  if (test !== undefined) await fill(test, 'test');
  return {
    classes,
    shape: [height, width, channels],
    skipped: { count: 0, first: [] },
    ...(notes && { notes }),
    normalization: statistics.normalization(),
  };
}
