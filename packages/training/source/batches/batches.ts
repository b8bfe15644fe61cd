import type { Dataset, Split } from '@distillery/datasets';
import type { Augmenter } from '@distillery/datasets/augmenter';
// This entry point does not import TensorFlow.js: the batch thread must start fast.
import { randomStream } from '@distillery/engine/random';
import type { Augmentation } from '@distillery/spec';

/** The inputs of batches and their augmentation, as plain data that any thread can use. */
export interface InputSource {
  /** Images have a normalisation, texts and rows of numbers have none. */
  dataset: Pick<Dataset, 'shape' | 'normalization'>;
  split: Split;
  augmentation: Augmentation | undefined;
  /** The indices that an augmentation mixes samples with: those of the training samples. */
  pool?: Int32Array;
}

/** A mini-batch of images, texts or rows of numbers on the host. */
export interface InputBatch {
  /** `[size, …shape]`: normalised images, standardised numbers, or token ids, which float32 represents exactly. */
  inputs: Float32Array;
  labels: Int32Array;
  /** 1 for a sample with a class, 0 for one without, whose label is 0; absent where all samples of the split have one. */
  labelled?: Float32Array;
  /** The second class of each sample, and the share of the first; absent where the augmentation mixes no samples. */
  mixed?: { labels: Int32Array; shares: Float32Array };
  /** The indices of the samples in the split. */
  indices: Int32Array;
  size: number;
}

/** Writes the bytes of a sample as numbers to `offset`. */
type Place = (sample: Uint8Array, to: Float32Array, offset: number, index: number, view: number) => void;

/**
 * Creates a pure function that turns the bytes of inputs, their indices and a view into a mini-batch.
 *
 * An augmented sample depends on the augmentation's seed, the view's number and the sample's index alone: a teacher's stored
 * outputs for (sample, view) therefore belong to exactly what a student sees.
 *
 * @param augmenter changes samples; absent: they stay as they are
 */
export function batchMaker({ dataset, split }: InputSource, augmenter?: Augmenter) {
  const { shape, normalization } = dataset;
  const isPartial = split.labels.some((label) => label < 0);
  const length = shape.reduce((product: number, extent: number) => product * extent, 1);
  const { bytes } = split.reader;
  const normalize = normalization && normalizer(shape[2] as number, normalization);
  const placeWhole = bytes === 4 * length ? placeNumbers(length) : placeTokens(length, augmenter);
  const place: Place = normalize === undefined ? placeWhole : placePixels(normalize, augmenter);
  const mix = normalize && augmenter?.pairs && pairMixer(length, normalize, augmenter);

  /**
   * @param read `[inputs × bytes]`, what the split's reader returns for `withPartners(indices, partners)`
   * @param partners the result of `partnersOf`
   */
  return function makeBatch(
    read: Uint8Array,
    indices: Int32Array,
    view = 0,
    partners?: Int32Array,
  ): InputBatch {
    const size = indices.length;
    const inputs = new Float32Array(size * length);
    const labels = indices.map((index) => Math.max(0, split.labels[index]));
    const labelled = isPartial
      ? Float32Array.from(indices, (index) => (split.labels[index] < 0 ? 0 : 1))
      : undefined;
    const bytesAt = (row: number) => read.subarray(row * bytes, (row + 1) * bytes);
    if (mix === undefined || partners === undefined) {
      for (let i = 0; i < size; i++) place(bytesAt(i), inputs, i * length, indices[i], view);
      return { inputs, labels, ...(labelled && { labelled }), indices, size };
    }
    const mixed = { labels: labels.slice(), shares: new Float32Array(size).fill(1) };
    let next = size;
    for (let i = 0; i < size; i++) {
      const partner = partners[i];
      if (partner < 0) {
        place(bytesAt(i), inputs, i * length, indices[i], view);
        continue;
      }
      const pair = { index: indices[i], partner, view };
      mixed.shares[i] = mix(bytesAt(i), bytesAt(next++), inputs, i * length, pair);
      mixed.labels[i] = split.labels[partner];
    }
    return { inputs, labels, mixed, indices, size };
  };
}

/** The sample that each sample of a batch is mixed with, -1 where it stays alone; undefined where none is mixed. */
export function partnersOf(
  augmenter: Augmenter | undefined,
  indices: Int32Array,
  view = 0,
): Int32Array | undefined {
  const { pairs } = augmenter ?? {};
  return pairs && indices.map((index) => pairs.partnerOf(index, view));
}

/** The inputs that a batch is made of: its samples, and then the partners of those that are mixed. */
export function withPartners(indices: Int32Array, partners: Int32Array | undefined): Int32Array {
  if (partners === undefined) return indices;
  return Int32Array.from([...indices, ...partners.filter((partner) => partner >= 0)]);
}

function placeNumbers(length: number): Place {
  return (sample, to, offset) => to.set(new Float32Array(sample.buffer, sample.byteOffset, length), offset);
}

function placeTokens(length: number, augmenter: Augmenter | undefined): Place {
  return (sample, to, offset, index, view) => {
    const ids = new Uint16Array(sample.buffer, sample.byteOffset, length);
    to.set(augmenter?.change(ids, index, view) ?? ids, offset);
  };
}

/** Writes the bytes of an image, normalised, to `offset`. */
type Normalize = (image: Uint8Array, to: Float32Array, offset: number) => void;

function placePixels(normalize: Normalize, augmenter: Augmenter | undefined): Place {
  return (image, to, offset, index, view) =>
    normalize(augmenter?.change(image, index, view) ?? image, to, offset);
}

/** Mixes two images, each augmented as if it were alone, and returns the share of the first. */
function pairMixer(length: number, normalize: Normalize, { change, pairs }: Augmenter) {
  const [first, result] = [new Uint8Array(length), new Uint8Array(length)];
  return (
    image: Uint8Array,
    partnerImage: Uint8Array,
    to: Float32Array,
    offset: number,
    { index, partner, view }: { index: number; partner: number; view: number },
  ): number => {
    // The second change overwrites the result of the first.
    first.set(change(image, index, view));
    const share = pairs?.mix(first, change(partnerImage, partner, view), index, view, result) ?? 1;
    normalize(result, to, offset);
    return share;
  };
}

function normalizer(channels: number, normalization: ImageNormalization): Normalize {
  const table = normalizationTable(channels, normalization);
  return (image, to, offset) => {
    // One channel after the other, because a counter in the inner loop would double its time.
    for (let channel = 0; channel < channels; channel++) {
      const base = channel * 256;
      for (let i = channel; i < image.length; i += channels) to[offset + i] = table[base + image[i]];
    }
  };
}

type ImageNormalization = NonNullable<Dataset['normalization']>;

/** (value / 255 − mean) / std for every byte of every channel: `[channels, 256]`. */
function normalizationTable(channels: number, { mean, std }: ImageNormalization): Float32Array {
  const table = new Float32Array(channels * 256);
  for (let i = 0; i < table.length; i++) {
    const channel = i >> 8;
    table[i] = ((i & 255) / 255 - mean[channel]) / std[channel];
  }
  return table;
}

/** The parts of a window that lie next to each other: an epoch reads so many at once. */
const partsOfWindow = 8;

/**
 * The order in which an epoch visits the training samples, shuffled by (seed, epoch).
 *
 * @param indices in ascending order
 * @param window the number of samples that are shuffled together: some parts of the data, each of neighbours. Absent: all are
 */
export function epochOrder(indices: Int32Array, seed: number, epoch: number, window = Infinity): Int32Array {
  const stream = randomStream(seed, 'shuffle', epoch);
  const order = indices.slice();
  if (order.length <= window) return stream.shuffle(order);
  const length = Math.max(1, Math.ceil(window / partsOfWindow));
  const parts = stream.shuffle(everyIndex(Math.ceil(order.length / length)));
  let at = 0;
  for (let from = 0; from < parts.length; from += partsOfWindow) {
    const begin = at;
    for (const part of parts.subarray(from, from + partsOfWindow)) {
      const samples = indices.subarray(part * length, (part + 1) * length);
      order.set(samples, at);
      at += samples.length;
    }
    stream.shuffle(order.subarray(begin, at));
  }
  return order;
}

/** 0, 1, … count−1 */
export function everyIndex(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index);
}
