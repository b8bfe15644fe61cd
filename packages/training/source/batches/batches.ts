import type { Dataset, Split } from '@distillery/datasets';
// By its file: the thread that makes batches starts with it, and with no TensorFlow.js.
import { randomStream } from '@distillery/engine/random';
import type { Augmentation } from '@distillery/spec';

/** What inputs are made into batches of: plain data, so that any thread can do it. */
export interface InputSource {
  /** Images have a normalisation, texts have none. */
  dataset: Pick<Dataset, 'shape' | 'normalization'>;
  split: Split;
  augmentation: Augmentation | undefined;
}

/** A mini-batch of images or texts on the host. */
export interface InputBatch {
  /** `[size, …shape]`: normalised images, or ids of tokens, every one of which float32 holds exactly. */
  inputs: Float32Array;
  labels: Int32Array;
  /** Which of the split they are. */
  indices: Int32Array;
  size: number;
}

/** Writes one input of the split, in one view of the augmentation, to `offset`. */
type Place = (to: Float32Array, offset: number, index: number, view: number) => void;

/** Puts mini-batches together, in one pass over the inputs. */
export function batchMaker({ dataset, split, augmentation }: InputSource) {
  const { shape, normalization } = dataset;
  const length = shape.reduce((product: number, extent: number) => product * extent, 1);
  const place =
    normalization === undefined
      ? placeTokens(split, length)
      : placePixels(split, shape, normalization, augmentation);

  return function makeBatch(indices: Int32Array, view = 0): InputBatch {
    const inputs = new Float32Array(indices.length * length);
    const labels = new Int32Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      labels[i] = split.labels[indices[i]];
      place(inputs, i * length, indices[i], view);
    }
    return { inputs, labels, indices, size: indices.length };
  };
}

function placeTokens({ inputs, count }: Split, length: number): Place {
  const ids = new Uint16Array(inputs.buffer, inputs.byteOffset, count * length);
  return (to, offset, index) => to.set(ids.subarray(index * length, (index + 1) * length), offset);
}

/**
 * Gathers, augments and normalises uint8 images.
 *
 * An augmented image depends on the augmentation's seed, the view's number and the image's index alone: a teacher's
 * stored outputs for (image, view) therefore belong to exactly the pixels that a student sees.
 */
function placePixels(
  { inputs: images }: Split,
  shape: readonly number[],
  normalization: ImageNormalization,
  augmentation: Augmentation | undefined,
): Place {
  const [height, width, channels] = shape;
  const pixels = height * width * channels;
  const table = normalizationTable(channels, normalization);
  const augmented = augmentation !== undefined && augmentation.type !== 'none';
  if (augmented) return (to, offset, index, view) => placeAugmented(to, offset, index, view, augmentation);
  return (to, offset, index) => {
    const from = index * pixels;
    // Channel by channel: a counter in the inner loop would double its time.
    for (let channel = 0; channel < channels; channel++) {
      const base = channel * 256;
      for (let i = channel; i < pixels; i += channels) to[offset + i] = table[base + images[from + i]];
    }
  };

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
          to[out] = table[channel * 256 + (inside ? images[from + channel] : 0)];
        }
      }
    }
  }
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
