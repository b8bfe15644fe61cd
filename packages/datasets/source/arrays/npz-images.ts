import { numberReader, type NpyHeader } from './npy.ts';
import type { Npz } from './npz.ts';
import { recordsOf } from './records.ts';

/** The most bytes of an array in Fortran's order, which must be held as a whole to be put in order. */
const maximumFortran = 1 << 30;
const maximumImages = 50_000_000;

/** The place of each axis of an array of images: `[count, height, width, channels]`; -1 for a single channel. */
type Axes = [number, number, number, number];

export interface ImagesIn {
  key: string;
  layout: 'nhwc' | 'nchw';
  /** The numbers that become 0 and 255. Absent: 0 and 1 for fractions and truth values, else 0 and 255. */
  range: readonly [number, number] | undefined;
}

/**
 * Describes an array of images: `[count, height, width]`, or with channels as the layout says.
 *
 * @throws RangeError for an array of another shape
 */
export async function npzImages(npz: Npz, { key, layout, range }: ImagesIn) {
  const header = await npz.header(key);
  const { shape, descr } = header;
  if (shape.length !== 3 && shape.length !== 4)
    throw new RangeError(
      `${key}: has the shape [${shape}]; images are [count, height, width], or have channels`,
    );
  const axes: Axes = shape.length === 3 ? [0, 1, 2, -1] : layout === 'nhwc' ? [0, 1, 2, 3] : [0, 2, 3, 1];
  const [count, height, width, channels] = axes.map((axis) => (axis < 0 ? 1 : shape[axis]));
  if (count > maximumImages) throw new RangeError(`${key}: ${count} images, more than ${maximumImages}`);
  const limits = range ?? (/[fb]/.test(descr) ? [0, 1] : [0, 255]);
  const isExact = descr.endsWith('u1') && limits[0] === 0 && limits[1] === 255;
  const size = height * width * channels;
  const note = /f/.test(descr) ? [`the fractions of ${key} are rounded to 256 levels`] : [];
  return {
    count,
    shape: [height, width, channels],
    notes: note,
    async *images(): AsyncGenerator<Uint8Array> {
      const byteOf = isExact ? undefined : scaled(key, descr, limits);
      const image = new Uint8Array(size);
      for await (const { bytes, at, strides } of located(npz, key, header)) {
        const [, down, across, deep] = axes.map((axis) => (axis < 0 ? 0 : strides[axis]));
        let to = 0;
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            for (let channel = 0; channel < channels; channel++) {
              const from = at + y * down + x * across + channel * deep;
              image[to++] = byteOf === undefined ? bytes[from] : byteOf(bytes, from);
            }
        yield image;
      }
    },
  };
}

/**
 * Yields for each entry of the first axis where it begins.
 *
 * `strides` are the distances in bytes between neighbours along each axis.
 */
async function* located(npz: Npz, key: string, { shape, bytes: each, fortran }: NpyHeader) {
  const count = shape[0];
  const record = shape.slice(1).reduce((a, b) => a * b, each);
  if (!fortran) {
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, each));
    const blocks = recordsOf(npz.content(key), { bytes: record, count, what: `images of ${key}` });
    for await (const bytes of blocks)
      for (let at = 0; at < bytes.length; at += record) yield { bytes, at, strides };
    return;
  }
  if (count * record > maximumFortran)
    throw new RangeError(
      `${key}: is in Fortran's order and larger than ${maximumFortran} bytes; save it with np.ascontiguousarray`,
    );
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, each));
  const parts: Buffer[] = [];
  for await (const chunk of npz.content(key)) parts.push(chunk);
  const bytes = Buffer.concat(parts);
  for (let index = 0; index < count; index++) yield { bytes, at: index * each, strides };
}

/** Returns a function that reads a number as a byte. @throws RangeError for a number outside the range */
function scaled(key: string, descr: string, [low, high]: readonly [number, number] | number[]) {
  const read = numberReader(descr);
  const scale = 255 / (high - low);
  return (bytes: Buffer, at: number): number => {
    const value = read(bytes, at);
    if (!(value >= low && value <= high))
      throw new RangeError(
        `${key}: holds ${value}, outside of [${low}, ${high}]; set "range" to the range of the numbers`,
      );
    return Math.round((value - low) * scale);
  };
}

/**
 * Reads an array of labels: numbers or texts, `[count]` or `[count, 1]`.
 *
 * @returns the label of each image, and the names of the labels where they are texts
 * @throws RangeError for an array of another shape, and for fractions
 */
export async function npzLabels(npz: Npz, key: string): Promise<{ numbers: number[] } | { texts: string[] }> {
  const { shape, descr, bytes: each } = await npz.header(key);
  if (shape.length !== 1 && !(shape.length === 2 && shape[1] === 1)) {
    const advice = shape.length === 2 ? '; for one-hot labels save their argmax' : '';
    throw new RangeError(`${key}: has the shape [${shape}]; labels are [count]${advice}`);
  }
  if (shape[0] > maximumImages)
    throw new RangeError(`${key}: ${shape[0]} labels, more than ${maximumImages}`);
  const numbers: number[] = [];
  const texts: string[] = [];
  const read = /[US]/.test(descr) ? undefined : numberReader(descr);
  const blocks = recordsOf(npz.content(key), { bytes: each, count: shape[0], what: `labels of ${key}` });
  for await (const block of blocks) {
    for (let at = 0; at < block.length; at += each) {
      if (read === undefined) texts.push(textAt(block.subarray(at, at + each), descr));
      else {
        const label = read(block, at);
        if (!Number.isSafeInteger(label))
          throw new RangeError(
            `${key}: label ${numbers.length} is ${label}; labels are whole numbers or texts`,
          );
        numbers.push(label);
      }
    }
  }
  return read === undefined ? { texts } : { numbers };
}

function textAt(bytes: Buffer, descr: string): string {
  if (descr.includes('S')) return bytes.toString('utf8').replace(/\0+$/, '').normalize('NFC');
  const read = descr.startsWith('>') ? 'readUInt32BE' : 'readUInt32LE';
  const points = Array.from({ length: bytes.length / 4 }, (_, index) => bytes[read](4 * index));
  return points
    .filter((point) => point > 0 && point <= 0x10ffff)
    .map((point) => String.fromCodePoint(point))
    .join('')
    .normalize('NFC');
}
