import type { Dataset, Split } from '@distillery/datasets';
import { compile, run, type Target, targetOf, type Tensors } from '@distillery/engine';
import type { TeacherProvider } from '@distillery/teachers';
import * as tf from '@tensorflow/tfjs-core';
import { batchesAhead } from './batches/batch-ahead.ts';
import type { BatchRequest, BatchSource } from './batches/batch-thread.ts';
import { everyIndex } from './batches/batches.ts';
import { labelsOf } from './device-batch.ts';
import type { Network } from './network.ts';
import { runTaps } from './taps.ts';

/** Computes outputs: a network of this job, or another teacher. */
export type Predictor = Pick<TeacherProvider, 'taps' | 'activations' | 'predict'>;

/** A predictor of a network's taps in evaluation. */
export function predictorOf(network: Network): Predictor {
  return {
    taps: network.plan.taps,
    activations: network.plan.activations,
    predict: (batch, taps) => tf.tidy(() => runTaps(network, batch, { taps }).taps),
  };
}

/** Compiles a predictor's passes for these taps; the caller disposes it, and the predictor itself. */
export function compiledPredictor(
  predictor: Predictor,
  taps: readonly string[],
): Predictor & { dispose(): void } {
  const compiled = compile((batch: Parameters<Predictor['predict']>[0]) => predictor.predict(batch, taps), {
    name: 'evaluation',
  });
  return { ...predictor, predict: (batch) => compiled(batch), dispose: () => compiled.dispose() };
}

/** The most activations of one forward pass: about 100 MB of float32. */
const activationBudget = 24e6;

/** The largest batch for a forward pass. It depends on the network alone, so that results can be reproduced. */
export function evaluationBatch({ activations }: Pick<Predictor, 'activations'>): number {
  return Math.max(1, Math.min(512, Math.floor(activationBudget / Math.max(1, activations))));
}

/**
 * Computes taps of a batch, in parts where it is larger than the largest batch for a forward pass. The caller disposes them.
 *
 * @param batch as for `TeacherProvider.predict`
 */
export function predictTaps(
  predictor: Predictor,
  batch: { images: tf.Tensor; labels: Target },
  taps: readonly string[],
): Tensors {
  const [size] = batch.images.shape;
  const largest = evaluationBatch(predictor);
  if (size <= largest) return predictor.predict(batch, taps);
  return tf.tidy(() => {
    const parts = Array.from({ length: Math.ceil(size / largest) }, (_, part) => {
      const [from, count] = [part * largest, Math.min(largest, size - part * largest)];
      const rows = <T extends tf.Tensor>(x: T): T => {
        const rest = x.rank - 1;
        return tf.slice(x, [from, ...Array(rest).fill(0)], [count, ...Array(rest).fill(-1)]);
      };
      return predictor.predict({ images: rows(batch.images), labels: rows(batch.labels) }, taps);
    });
    return Object.fromEntries(taps.map((tap) => [tap, tf.concat(parts.map((part) => part[tap]))]));
  });
}

/**
 * Runs a network over images, without dropout and with BatchNorm's running statistics.
 *
 * @param taps the taps to compute
 * @param each receives the taps of each batch and its position in `indices`; the tensors are disposed afterwards
 * @param pause awaited between batches, so that the process can handle messages
 */
export async function forEachOutput(
  predictor: Predictor,
  source: BatchSource,
  indices: Int32Array,
  view: number,
  taps: readonly string[],
  each: (taps: Tensors, from: number, size: number) => void | Promise<void>,
  pause: () => Promise<void>,
): Promise<void> {
  let from = 0;
  const size = evaluationBatch(predictor);
  // A pass costs several times its own duration to be compiled.
  const compiled = indices.length >= 8 * size ? compiledPredictor(predictor, taps) : undefined;
  try {
    for await (const batch of batchesAhead(source, inOrder(indices, size, view))) {
      const outputs = tf.tidy(() => {
        const images = tf.tensor(batch.inputs, [batch.size, ...source.dataset.shape]);
        const labels = targetOf(labelsOf(batch), predictor.taps.logits?.[0] ?? 0);
        return (compiled ?? predictor).predict({ images, labels }, taps);
      });
      try {
        await each(outputs, from, batch.size);
      } finally {
        tf.dispose(outputs);
      }
      from += batch.size;
      await pause();
    }
  } finally {
    compiled?.dispose();
  }
}

function* inOrder(indices: Int32Array, size: number, view: number): Generator<BatchRequest> {
  for (let from = 0; from < indices.length; from += size) {
    yield { indices: indices.subarray(from, from + size), view };
  }
}

/**
 * Computes the logits of a whole split, or of some of its samples.
 *
 * @param taps the taps that hold logits
 * @returns `[count, classes]` for each of the taps
 */
export async function predictLogits(
  predictor: Predictor,
  dataset: Dataset,
  split: Split,
  pause: () => Promise<void>,
  indices = everyIndex(split.count),
  taps: readonly string[] = ['logits'],
): Promise<Float32Array[]> {
  const widths = taps.map((tap) => predictor.taps[tap][0]);
  const logits = widths.map((width) => new Float32Array(indices.length * width));
  await forEachOutput(
    predictor,
    { dataset, split, augmentation: undefined },
    indices,
    0,
    taps,
    (outputs, from) =>
      taps.forEach((tap, i) => logits[i].set(outputs[tap].dataSync() as Float32Array, from * widths[i])),
    pause,
  );
  return logits;
}

/** Computes the logits of a network, as `predictLogits` does. */
export function predict(network: Network, ...rest: Rest<typeof predictLogits>): Promise<Float32Array[]> {
  return predictLogits(predictorOf(network), ...rest);
}

type Rest<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never;

/** The duration of a forward pass of one sample through a network, in milliseconds. */
export function singleImageLatency(network: Network, shape: readonly number[]): number {
  return latency(shape, (image) => run(network.forward, network.variables, image, { taps: [] }).output);
}

/** The duration of computing a predictor's logits for one sample, in milliseconds. */
export function predictionLatency({ predict: predictBatch }: Predictor, shape: readonly number[]): number {
  return latency(shape, (images) => {
    const labels = tf.zeros<tf.Rank.R1>([1], 'int32');
    return predictBatch({ images, labels }, ['logits']).logits;
  });
}

/** The median duration of `runs` passes of one sample, in milliseconds, after a tenth as many warm-up passes. */
function latency(shape: readonly number[], pass: (image: tf.Tensor) => tf.Tensor, runs = 50): number {
  const image = tf.zeros([1, ...shape]);
  const times: number[] = [];
  for (let i = -Math.ceil(runs / 10); i < runs; i++) {
    const begun = performance.now();
    tf.tidy(() => {
      pass(image).dataSync();
    });
    if (i >= 0) times.push(performance.now() - begun);
  }
  image.dispose();
  return times.sort((a, b) => a - b)[runs >> 1];
}
