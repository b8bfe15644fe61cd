import type { Dataset, Split } from '@distillery/datasets';
// These entry points do not import TensorFlow.js: the batch thread must start fast.
import { transforms } from '@distillery/datasets/transforms';
import { randomStream } from '@distillery/engine/random';
import type { Augmentation } from '@distillery/spec';

/** The inputs of batches and their augmentation, as plain data that any thread can use. */
export interface InputSource {
  /** Images have a normalisation, texts and rows of numbers have none. */
  dataset: Pick<Dataset, 'shape' | 'normalization'>;
  split: Split;
  augmentation: Augmentation | undefined;
}

/** A mini-batch of images, texts or rows of numbers on the host. */
export interface InputBatch {
  /** `[size, …shape]`: normalised images, standardised numbers, or token ids, which float32 represents exactly. */
  inputs: Float32Array;
  labels: Int32Array;
  /** The indices of the samples in the split. */
  indices: Int32Array;
  size: number;
}

/** Writes input `index` of the split, in one view of the augmentation, to `offset`. */
type Place = (input: Uint8Array, to: Float32Array, offset: number, index: number, view: number) => void;

/** Creates a pure function that turns the bytes of inputs, their indices and a view into a mini-batch. */
export function batchMaker({ dataset, split, augmentation }: InputSource) {
  const { shape, normalization } = dataset;
  const length = shape.reduce((product: number, extent: number) => product * extent, 1);
  const { bytes } = split.reader;
  const placeWhole = bytes === 4 * length ? placeNumbers(length) : placeTokens(length);
  const place = normalization === undefined ? placeWhole : placePixels(shape, normalization, augmentation);

  /** @param read `[indices.length × bytes]`, the inputs as the split's reader returns them */
  return function makeBatch(read: Uint8Array, indices: Int32Array, view = 0): InputBatch {
    const inputs = new Float32Array(indices.length * length);
    const labels = new Int32Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      labels[i] = split.labels[indices[i]];
      place(read.subarray(i * bytes, (i + 1) * bytes), inputs, i * length, indices[i], view);
    }
    return { inputs, labels, indices, size: indices.length };
  };
}

function placeNumbers(length: number): Place {
  return (input, to, offset) => to.set(new Float32Array(input.buffer, input.byteOffset, length), offset);
}

function placeTokens(length: number): Place {
  return (input, to, offset) => to.set(new Uint16Array(input.buffer, input.byteOffset, length), offset);
}

/**
 * Augments and normalises uint8 images.
 *
 * An augmented image depends on the augmentation's seed, the view's number and the image's index alone: a teacher's
 * stored outputs for (image, view) therefore belong to exactly the pixels that a student sees.
 */
function placePixels(
  shape: readonly number[],
  normalization: ImageNormalization,
  augmentation: Augmentation | undefined,
): Place {
  const channels = shape[2];
  const table = normalizationTable(channels, normalization);
  const normalize = (image: Uint8Array, to: Float32Array, offset: number) => {
    // One channel after the other, because a counter in the inner loop would double its time.
    for (let channel = 0; channel < channels; channel++) {
      const base = channel * 256;
      for (let i = channel; i < image.length; i += channels) to[offset + i] = table[base + image[i]];
    }
  };
  if (augmentation === undefined || augmentation.type === 'none') return normalize;
  const { seed, type } = augmentation;
  const transform = transforms.get(type);
  const changed = new Uint8Array(shape.reduce((product, extent) => product * extent, 1));
  return (image, to, offset, index, view) => {
    transform.apply(image, shape, randomStream(seed, 'augment', view, index), changed);
    normalize(changed, to, offset);
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

/** The order in which an epoch visits the training images, shuffled by (seed, epoch). */
export function epochOrder(indices: Int32Array, seed: number, epoch: number): Int32Array {
  return randomStream(seed, 'shuffle', epoch).shuffle(indices.slice());
}

/** 0, 1, … count−1 */
export function everyIndex(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index);
}
