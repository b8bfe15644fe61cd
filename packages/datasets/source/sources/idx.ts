import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { pathOption } from '../option-shapes.ts';
import { openIdx } from '../arrays/idx.ts';
import {
  type ImageArray,
  imageArrayOptions,
  type ImageArrays,
  loadArrays,
  outlineArrays,
} from '../arrays/image-arrays.ts';
import { recordsOf } from '../arrays/records.ts';
import type { DatasetContext, DatasetKind } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { unpackedFolder } from '../archives/unpacked-folder.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';

/** Part of the fingerprint: raise it when the same files give other images than before. */
const revision = 1;
/** The files that a folder may have, by split and content. */
const pattern = /^(.*?)[-_.]?(train|t10k|test)[-_.](images|labels)[-_.]idx\d[-_.]ubyte(\.gz)?$/i;

const options = z.strictObject({
  path: pathOption(
    'A folder below one that the service may read, or a zip or tar archive of one, with the files train-images-idx3-ubyte, train-labels-idx1-ubyte, ' +
      't10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each of which may end in .gz.',
  ),
  prefix: z
    .string()
    .max(256)
    .optional()
    .describe(
      'What precedes "train" and "test" in the names, for a folder of several sets, for example "emnist-letters".',
    ),
  ...imageArrayOptions,
});
type Options = z.output<typeof options>;

export const idx: DatasetKind<typeof options> = {
  type: 'idx',
  summary: 'Images in IDX files, the format of MNIST and its family: grey, or of any number of channels.',
  reference: 'https://yann.lecun.com/exdb/mnist/',
  options,
  outline: (choice, context) => outlineArrays((surroundings) => open(choice, surroundings), choice, context),
  load: (choice, context) => loadArrays((surroundings) => open(choice, surroundings), choice, context),
};

async function open(choice: Options, context: DatasetContext): Promise<ImageArrays> {
  const files = await filesOf(choice, context);
  const states = await Promise.all(Object.values(files).map((file) => fileFingerprint(file)));
  return {
    fingerprint: { source: 'idx', revision, files: states },
    train: await imagesOf(files['train images'], files['train labels']),
    test:
      files['test images'] === undefined || files['test labels'] === undefined
        ? undefined
        : await imagesOf(files['test images'], files['test labels']),
  };
}

type Role = `${'train' | 'test'} ${'images' | 'labels'}`;
type Files = { 'train images': string; 'train labels': string } & Partial<Record<Role, string>>;

/** @throws DistilleryError `data_error` when a file is missing, or several files could be meant */
async function filesOf({ path, prefix }: Options, context: DatasetContext): Promise<Files> {
  const given = await resolveSourcePath(path, context);
  const kind = await stat(given);
  if (!kind.isDirectory() && !kind.isFile())
    throw badPath(
      path,
      'is not a file or folder: expected a folder of IDX files, or an archive of one',
      context,
    );
  const folder = kind.isDirectory() ? given : await unpackedFolder(given, pattern, context);
  const files: Partial<Record<Role, string>> = {};
  const prefixes = new Set<string>();
  // Unpacked files come first, and are preferred.
  for (const name of (await readdir(folder)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const [, before, split, content] = pattern.exec(name) ?? [];
    if (before === undefined || (prefix !== undefined && before !== prefix)) continue;
    prefixes.add(before);
    const role = `${split.toLowerCase() === 'train' ? 'train' : 'test'} ${content.toLowerCase()}` as Role;
    files[role] ??= join(folder, name);
  }
  if (prefixes.size > 1) {
    const names = [...prefixes].sort();
    throw badPath(path, `holds several sets; choose one by "prefix": ${names.join(', ')}`, context);
  }
  const { 'train images': images, 'train labels': labels } = files;
  if (images === undefined || labels === undefined)
    throw badPath(path, `holds no train-${images ? 'labels-idx1' : 'images-idx3'}-ubyte file`, context);
  if ((files['test images'] === undefined) !== (files['test labels'] === undefined))
    throw badPath(path, 'holds test images or test labels, but not both', context);
  return { ...files, 'train images': images, 'train labels': labels };
}

async function imagesOf(imagePath: string, labelPath: string): Promise<ImageArray> {
  const where = basename(imagePath);
  const { shape, close } = await named(imagePath, () => openIdx(imagePath));
  await close();
  if (shape.length < 3) throw new RangeError(`${where}: has ${shape.length} dimensions; images have 3 or 4`);
  const [count, height, width, channels = 1] = shape;
  return {
    where,
    count,
    shape: [height, width, channels],
    labels: await named(labelPath, () => labelsIn(labelPath)),
    async *images() {
      const opened = await openIdx(imagePath);
      const bytes = height * width * channels;
      try {
        yield* recordsOf(opened.content, { bytes, count, what: 'images' });
      } finally {
        await opened.close();
      }
    },
  };
}

async function labelsIn(path: string): Promise<Int32Array> {
  const { shape, content, close } = await openIdx(path);
  try {
    if (shape.length !== 1) throw new RangeError(`has ${shape.length} dimensions; labels have 1`);
    const parts: Buffer[] = [];
    for await (const block of recordsOf(content, { bytes: 1, count: shape[0], what: 'labels' }))
      parts.push(Buffer.from(block));
    return Int32Array.from(Buffer.concat(parts));
  } finally {
    await close();
  }
}

/** Adds the name of the file to an error. */
async function named<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RangeError(`${basename(path)}: ${cause.message}`, { cause });
  }
}
