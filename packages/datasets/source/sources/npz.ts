import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { pathOption } from '../option-shapes.ts';
import {
  type ImageArray,
  imageArrayOptions,
  type ImageArrays,
  loadArrays,
  outlineArrays,
} from '../arrays/image-arrays.ts';
import { npzImages, npzLabels } from '../arrays/npz-images.ts';
import { type Npz, openNpz } from '../arrays/npz.ts';
import type { DatasetContext, DatasetKind, DatasetOutline } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';

/** Part of the fingerprint: raise it when the same file gives other images than before. */
const revision = 1;

/** Names of the arrays in common files: training images and labels, test images and labels. */
const usual = [
  ['x_train', 'y_train', 'x_test', 'y_test'],
  ['train_images', 'train_labels', 'test_images', 'test_labels'],
  ['X_train', 'y_train', 'X_test', 'y_test'],
  ['images', 'labels', 'test_images', 'test_labels'],
  ['x', 'y', 'x_test', 'y_test'],
  ['X', 'y', 'X_test', 'y_test'],
] as const;

const key = (what: string) =>
  z.string().min(1).max(256).optional().describe(`The name of the array of ${what}. Default: a usual name.`);

const options = z.strictObject({
  path: pathOption("A file of NumPy's savez or savez_compressed, below a folder that the service may read."),
  images: key('training images, `[count, height, width]` or with channels'),
  labels: key('training labels, `[count]`: whole numbers or texts'),
  testImages: key('test images'),
  testLabels: key('test labels'),
  layout: z
    .enum(['nhwc', 'nchw'])
    .default('nhwc')
    .describe('Where the channels of arrays with four axes are: last, or behind the first axis.'),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'must rise')
    .optional()
    .describe(
      'The numbers that become black and white. Default: `[0, 1]` for fractions and truth values, `[0, 255]` for whole numbers.',
    ),
  ...imageArrayOptions,
});
type Options = z.output<typeof options>;

export const npz: DatasetKind<typeof options> = {
  type: 'npz',
  summary: 'Images in an NPZ file of NumPy, of any type of number, in C or Fortran order.',
  reference: 'https://numpy.org/doc/stable/reference/generated/numpy.savez.html',
  options,
  outline: (choice, context) => reading<DatasetOutline>(outlineArrays, choice, context),
  load: (choice, context) => reading(loadArrays, choice, context),
};

/** Outlines or loads, and closes the file. */
async function reading<T>(
  step: (
    open: (context: DatasetContext) => Promise<ImageArrays>,
    choice: Options,
    context: DatasetContext,
  ) => Promise<T>,
  choice: Options,
  context: DatasetContext,
): Promise<T> {
  let file: Npz | undefined;
  const open = async () => {
    const path = await resolveSourcePath(choice.path, context);
    if (!(await stat(path)).isFile()) throw badPath(choice.path, 'is not a file', context);
    file = await openNpz(path);
    return arraysIn(file, path, choice);
  };
  try {
    return await step(open, choice, context);
  } finally {
    file?.close();
  }
}

async function arraysIn(file: Npz, path: string, choice: Options): Promise<ImageArrays> {
  const keys = keysOf(file, path, choice);
  const {
    path: _path,
    testFraction: _fraction,
    trainLimit: _train,
    testLimit: _test,
    classes: _classes,
    ...rest
  } = choice;
  const labels = new Map<string, Awaited<ReturnType<typeof npzLabels>>>();
  const labelKeys = [keys.labels, ...(keys.test === undefined ? [] : [keys.test[1]])];
  for (const name of labelKeys) labels.set(name, await npzLabels(file, name));
  const { numbersOf, names } = numbered([...labels.values()]);
  const part = async (images: string, labelKey: string): Promise<ImageArray & { notes: string[] }> => ({
    ...(await npzImages(file, { key: images, layout: choice.layout, range: choice.range })),
    where: `${basename(path)}, ${images}`,
    labels: numbersOf(labels.get(labelKey)!),
  });
  const train = await part(keys.images, keys.labels);
  const test = keys.test === undefined ? undefined : await part(...keys.test);
  return {
    fingerprint: { source: 'npz', revision, file: await fileFingerprint(path), keys, ...rest },
    train,
    test,
    names,
    notes: [...new Set([...train.notes, ...(test?.notes ?? []), ...unused(file, keys)])],
  };
}

/** The names of the arrays that are read; `test` are those of the test images and labels. */
interface Keys {
  images: string;
  labels: string;
  test?: readonly [string, string];
}

/** @throws DistilleryError `data_error` that names the option, and the arrays of the file */
function keysOf({ keys }: Npz, path: string, choice: Options): Keys {
  const set = usual.find(([images, labels]) => keys.includes(images) && keys.includes(labels));
  const given = (option: 'images' | 'labels' | 'testImages' | 'testLabels', place: number) => {
    const name = choice[option] ?? set?.[place];
    const isTest = place > 1;
    if (name !== undefined && keys.includes(name)) return name;
    if (isTest && choice[option] === undefined) return undefined;
    const message =
      name === undefined
        ? `has no array of a usual name; choose one`
        : `has no array ${JSON.stringify(name)}`;
    throw new DistilleryError('data_error', `${basename(path)} ${message}: ${keys.join(', ')}`, {
      fields: [{ path: `/dataset/${option}`, value: name ?? null, message, allowed: keys.slice(0, 100) }],
    });
  };
  const [images, labels] = [given('images', 0)!, given('labels', 1)!];
  const [testImages, testLabels] = [given('testImages', 2), given('testLabels', 3)];
  // Images whose own names are given say nothing about the test images of a usual name.
  const isUsual = choice.images === undefined || choice.testImages !== undefined;
  if (testImages === undefined || testLabels === undefined || !isUsual) return { images, labels };
  return { images, labels, test: [testImages, testLabels] };
}

function unused(file: Npz, { images, labels, test = ['', ''] }: Keys): string[] {
  const used = [images, labels, ...test];
  const others = file.keys.filter((name) => !used.includes(name)).slice(0, 20);
  return others.length === 0 ? [] : [`arrays that are not used: ${others.join(', ')}`];
}

/** Numbers the texts of labels by their order; numbers stay as they are. */
function numbered(all: ({ numbers: number[] } | { texts: string[] })[]) {
  const texts = all.flatMap((labels) => ('texts' in labels ? labels.texts : []));
  const names = [...new Set(texts)].sort();
  const ranks = new Map(names.map((name, index) => [name, index]));
  return {
    names: names.length === 0 ? undefined : names,
    numbersOf: (labels: { numbers: number[] } | { texts: string[] }) =>
      'numbers' in labels ? labels.numbers : labels.texts.map((text) => ranks.get(text)!),
  };
}
