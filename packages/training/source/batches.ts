import type { Dataset, Split } from '@distillery/datasets';
// By its file: the thread that makes batches starts with it, and with no TensorFlow.js.
import { randomStream } from '@distillery/engine/random';
import type { Augmentation } from '@distillery/spec';

/** What images are made into batches of: plain data, so that any thread can do it. */
export interface ImageSource {
  dataset: Pick<Dataset, 'shape' | 'normalization'>;
  split: Split;
  augmentation: Augmentation | undefined;
}

/** A mini-batch of images on the host. */
export interface ImageBatch {
  /** `[size, height, width, channels]`, normalised. */
  images: Float32Array;
  labels: Int32Array;
  /** Which images of the split they are. */
  indices: Int32Array;
  size: number;
}

/**
 * Puts mini-batches together: gathers, augments and normalises uint8 images in one pass.
 *
 * An augmented image depends on the augmentation's seed, the view's number and the image's index alone: a teacher's
 * stored outputs for (image, view) therefore belong to exactly the pixels that a student sees.
 */
export function batchMaker({ dataset, split, augmentation }: ImageSource) {
  const [height, width, channels] = dataset.shape;
  const pixels = height * width * channels;
  const table = normalizationTable(dataset);
  const augmented = augmentation !== undefined && augmentation.type !== 'none';

  return function makeBatch(indices: Int32Array, view = 0): ImageBatch {
    const images = new Float32Array(indices.length * pixels);
    const labels = new Int32Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i];
      labels[i] = split.labels[index];
      if (augmented) placeAugmented(images, i * pixels, index, view, augmentation);
      else place(images, i * pixels, index * pixels);
    }
    return { images, labels, indices, size: indices.length };
  };

  function place(to: Float32Array, offset: number, from: number): void {
    const { images } = split;
    // Channel by channel: a counter in the inner loop would double its time.
    for (let channel = 0; channel < channels; channel++) {
      const base = channel * 256;
      for (let i = channel; i < pixels; i += channels) to[offset + i] = table[base + images[from + i]];
    }
  }

  function placeAugmented(
    to: Float32Array,
    offset: number,
    index: number,
    view: number,
    { type, seed }: Augmentation,
  ): void {
    const stream = randomStream(seed, 'augment', view, index);
    const flip = stream.below(2) === 1;
    const [dy, dx] = type === 'crop_flip' ? [stream.below(9) - 4, stream.below(9) - 4] : [0, 0];
    for (let y = 0, out = offset; y < height; y++) {
      const sourceY = y + dy;
      for (let x = 0; x < width; x++) {
        const sourceX = (flip ? width - 1 - x : x) + dx;
        const inside = sourceY >= 0 && sourceY < height && sourceX >= 0 && sourceX < width;
        const from = ((index * height + sourceY) * width + sourceX) * channels;
        for (let channel = 0; channel < channels; channel++, out++) {
          // Padding is black, as it is when the crop comes before the normalisation.
          to[out] = table[channel * 256 + (inside ? split.images[from + channel] : 0)];
        }
      }
    }
  }
}

/** (value / 255 − mean) / std for every byte of every channel: `[channels, 256]`. */
function normalizationTable({ shape, normalization }: ImageSource['dataset']): Float32Array {
  const table = new Float32Array(shape[2] * 256);
  for (let i = 0; i < table.length; i++) {
    const channel = i >> 8;
    table[i] = ((i & 255) / 255 - normalization.mean[channel]) / normalization.std[channel];
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
