import type { Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { TeacherProvider } from '../provider.ts';
import { type OpenModel, runModel } from './model.ts';

/** How a model takes samples and gives outputs. */
export interface Preparation {
  layout: 'nchw' | 'nhwc';
  /** Height and width that images are resized to; absent: as they are. */
  size?: readonly number[] | undefined;
  values: 'logits' | 'probabilities';
}

/** The smallest probability that is told from 0: its logarithm stays finite. */
const floor = 1e-12;
/** The numbers of activations that evaluation allows for a batch, by which the option `batch` becomes a limit. */
const budget = 24e6;

/** The number of activations of one sample by which evaluation asks for at most `batch` samples at once. */
export const activationsFor = (batch: number): number => Math.ceil(budget / batch);

/**
 * Learns the shapes of a model's taps from a sample of zeros, without an engine. Maps are `[height, width, channels]`, whatever the layout
 * of the model.
 *
 * @param shape of the job's samples
 * @throws RangeError for a model that does not take such samples, or whose logits are no vector
 */
export function tapShapes(
  model: OpenModel,
  { layout, size }: Preparation,
  shape: readonly number[],
): Record<string, number[]> {
  const [height, width, channels] = [...(size ?? shape.slice(0, 2)), shape[2]];
  const image = layout === 'nchw' ? [channels, height, width] : [height, width, channels];
  const taken = shape.length === 3 ? image : shape;
  const data = new Float32Array(taken.reduce((product, extent) => product * extent, 1));
  const outputs = runModel(model, { shape: taken, data, count: 1 }, Object.values(model.tensors));
  const taps = Object.fromEntries(
    Object.keys(model.tensors).map((tap, index) => {
      const [, ...own] = outputs[index].shape;
      return [tap, own.length === 3 && layout === 'nchw' ? [own[1], own[2], own[0]] : own];
    }),
  );
  if (taps.logits.length === 1) return taps;
  throw new RangeError(`has logits of the shape [${taps.logits}], expected one number for each class`);
}

/**
 * Makes a teacher of a model.
 *
 * @param shape of the job's samples
 * @param batch the most samples that the model is asked at once
 * @throws RangeError as `tapShapes` does
 */
export function onnxProvider(
  model: OpenModel,
  prepared: Preparation,
  { digest, shape, batch }: { digest: string; shape: readonly number[]; batch: number },
): TeacherProvider {
  const taps = tapShapes(model, prepared, shape);
  const predict = (images: tf.Tensor, taps: readonly string[]): Tensors =>
    tf.tidy(() => {
      const [count] = images.shape;
      const x = asTaken(images, prepared);
      const taken = { shape: x.shape.slice(1), data: x.dataSync() as Float32Array, count };
      const outputs = runModel(
        model,
        taken,
        taps.map((tap) => model.tensors[tap]),
      );
      return Object.fromEntries(
        taps.map((tap, index) => {
          const { shape: own, data } = outputs[index];
          const output = asTap(tf.tensor(data, own), prepared);
          const isShares = tap === 'logits' && prepared.values === 'probabilities';
          return [tap, isShares ? tf.log(tf.maximum(output, floor)) : output];
        }),
      );
    });
  return {
    digest,
    taps,
    activations: activationsFor(batch),
    predict: ({ images }, wanted) => predict(images, wanted),
    dispose: () => model.session.close(),
  };
}

/** Resizes images as PyTorch does without aligned corners, and puts channels where the model wants them. */
function asTaken(images: tf.Tensor, { layout, size }: Preparation): tf.Tensor {
  if (images.rank !== 4) return images;
  const [height, width] = size ?? [];
  const sized =
    size === undefined
      ? images
      : tf.image.resizeBilinear(images as tf.Tensor4D, [height, width], false, true);
  return layout === 'nchw' ? tf.transpose(sized, [0, 3, 1, 2]) : sized;
}

function asTap(output: tf.Tensor, { layout }: Preparation): tf.Tensor {
  return output.rank === 4 && layout === 'nchw' ? tf.transpose(output, [0, 2, 3, 1]) : output;
}
