import { basename } from 'node:path';
import { archiveFormats } from '../archives/formats.ts';
import type { SplitWriter } from '../split-draft.ts';
import { yieldToEvents } from '../yield-to-events.ts';
import { type Pickled, PickledArray, readPickle } from './pickle.ts';

export const side = 32;
const plane = side * side;
const imageBytes = 3 * plane;
/** Images between two checks of the abort signal. */
const yieldEvery = 1000;
/** The most bytes of one file of an archive. */
const maximumBytes = 256 * 2 ** 20;

/** Where an archive of CIFAR has its images and labels. Names without `.bin` are those of pickles. */
export interface CifarLayout {
  /** The names of the files, without folders and `.bin`. */
  train: RegExp;
  test: RegExp;
  /** The label bytes before each image, and which of them holds the label. */
  labelBytes: number;
  labelAt: number;
  /** The name of the labels in a pickle. */
  labelKey: string;
  classes: number;
}

/** Some images of an archive: the red, the green and the blue plane of image i begin at `first + i · step`. */
interface CifarBatch {
  where: string;
  labels: ArrayLike<number>;
  planes: Buffer;
  first: number;
  step: number;
}

export interface CifarArchive {
  train: CifarBatch[];
  test: CifarBatch[];
}

/**
 * Reads an archive of CIFAR in its binary form, or that of Python without running its pickles. Files keep the order of their
 * names.
 *
 * @throws RangeError for another archive, which names the file
 */
export async function readCifarArchive(
  path: string,
  layout: CifarLayout,
  signal?: AbortSignal,
): Promise<CifarArchive> {
  const found = { train: new Map<string, CifarBatch>(), test: new Map<string, CifarBatch>() };
  for await (const { name: full, size, type, read } of (await archiveFormats.of(path)).entries(
    path,
    signal,
  )) {
    const name = basename(full);
    const plain = name.replace(/\.bin$/, '');
    const split = layout.train.test(plain) ? 'train' : layout.test.test(plain) ? 'test' : undefined;
    if (split === undefined || type !== 'file') continue;
    if (size > maximumBytes) throw new RangeError(`${name}: ${size} bytes, more than ${maximumBytes}`);
    found[split].set(name, (plain === name ? pickledBatch : binaryBatch)(name, await read(), layout));
  }
  const sorted = (split: 'train' | 'test') => {
    const batches = [...found[split]].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, batch]) => batch);
    if (batches.every(({ labels }) => labels.length === 0))
      throw new RangeError(`no file ${layout[split].source.replace(/[$^]/g, '')} is in the archive`);
    return batches;
  };
  return { train: sorted('train'), test: sorted('test') };
}

function binaryBatch(
  where: string,
  bytes: Buffer,
  { labelBytes, labelAt, classes }: CifarLayout,
): CifarBatch {
  const step = labelBytes + imageBytes;
  if (bytes.length % step !== 0)
    throw new RangeError(`${where}: ${bytes.length} bytes are not whole records of ${step}`);
  const labels = Uint8Array.from({ length: bytes.length / step }, (_, i) => bytes[i * step + labelAt]);
  return checked({ where, labels, planes: bytes, first: labelBytes, step }, classes);
}

function pickledBatch(where: string, bytes: Buffer, { labelKey, classes }: CifarLayout): CifarBatch {
  const value = pickleIn(where, bytes);
  const field = (name: string) => {
    // Python 3 writes the keys of its archives as bytes.
    const isName = (key: Pickled) =>
      key === name || (Buffer.isBuffer(key) && key.toString('latin1') === name);
    const found = value instanceof Map ? [...value].find(([key]) => isName(key)) : undefined;
    if (found === undefined) throw new RangeError(`${where}: has no ${name}`);
    return found[1];
  };
  const [data, labels] = [field('data'), field(labelKey)];
  if (!(data instanceof PickledArray) || data.type !== 'u1' || data.shape[1] !== imageBytes)
    throw new RangeError(`${where}: data is no array of bytes, [count, ${imageBytes}]`);
  if (
    !Array.isArray(labels) ||
    labels.length !== data.shape[0] ||
    data.bytes.length !== labels.length * imageBytes
  )
    throw new RangeError(`${where}: has other numbers of images and labels`);
  return checked(
    { where, labels: labels.map(Number), planes: data.bytes, first: 0, step: imageBytes },
    classes,
  );
}

function pickleIn(where: string, bytes: Buffer): Pickled {
  try {
    return readPickle(bytes);
  } catch (cause) {
    throw new RangeError(`${where}: ${(cause as Error).message}`, { cause });
  }
}

function checked(batch: CifarBatch, classes: number): CifarBatch {
  const { where, labels } = batch;
  for (let i = 0; i < labels.length; i++) {
    if (!Number.isInteger(labels[i]) || labels[i] < 0 || labels[i] >= classes)
      throw new RangeError(`${where}: record ${i} has the label ${labels[i]}, past ${classes - 1}`);
  }
  return batch;
}

/**
 * Writes images as `[32, 32, 3]`.
 *
 * @param see receives each image
 */
export async function writeCifar(
  batches: readonly CifarBatch[],
  writer: SplitWriter,
  { signal, see = () => {} }: { signal?: AbortSignal | undefined; see?: (image: Uint8Array) => void },
): Promise<void> {
  const image = new Uint8Array(imageBytes);
  let position = 0;
  for (const { labels, planes, first, step } of batches) {
    for (let index = 0; index < labels.length; index++) {
      if (position % yieldEvery === 0) await yieldToEvents(signal);
      for (let pixel = 0, to = 0, from = first + index * step; pixel < plane; pixel++, from++, to += 3) {
        image[to] = planes[from];
        image[to + 1] = planes[from + plane];
        image[to + 2] = planes[from + 2 * plane];
      }
      see(image);
      writer.put(position++, labels[index], image);
    }
  }
}

/** The number of images in some files of an archive whose labels are used. */
export function imagesIn(batches: readonly CifarBatch[], isUsed: (label: number) => boolean): number {
  return batches.reduce((sum, { labels }) => sum + Array.from(labels).filter(isUsed).length, 0);
}
