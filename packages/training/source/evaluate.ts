import type { Dataset, Split } from '@distillery/datasets';
import { run, type Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { batchesAhead } from './batches/batch-ahead.ts';
import type { BatchRequest, BatchSource } from './batches/batch-thread.ts';
import { everyIndex } from './batches/batches.ts';
import type { Network } from './network.ts';
import { runTaps } from './taps.ts';

/** Numbers that one batch of a forward pass may put out: about 100 MB of float32. */
const activationBudget = 24e6;

/** The largest batch for a forward pass alone; depends on the network only, so results repeat. */
function evaluationBatch(network: Network): number {
  return Math.max(1, Math.min(512, Math.floor(activationBudget / Math.max(1, network.plan.activations))));
}

/**
 * Runs a network over images, without dropout and with BatchNorm's running statistics.
 *
 * @param taps the ones that are wanted
 * @param each gets every batch's taps with its position in `indices`; the tensors are disposed afterwards
 * @param pause is awaited between batches, so that the process stays reachable
 */
export async function forEachOutput(
  network: Network,
  source: BatchSource,
  indices: Int32Array,
  view: number,
  taps: readonly string[],
  each: (taps: Tensors, from: number, size: number) => void | Promise<void>,
  pause: () => Promise<void>,
): Promise<void> {
  let from = 0;
  for await (const batch of batchesAhead(source, inOrder(indices, evaluationBatch(network), view))) {
    const outputs = tf.tidy(() => {
      const images = tf.tensor(batch.inputs, [batch.size, ...source.dataset.shape]);
      const labels = tf.tensor1d(batch.labels, 'int32');
      return runTaps(network, { images, labels }, { taps }).taps;
    });
    try {
      await each(outputs, from, batch.size);
    } finally {
      tf.dispose(outputs);
    }
    from += batch.size;
    await pause();
  }
}

function* inOrder(indices: Int32Array, size: number, view: number): Generator<BatchRequest> {
  for (let from = 0; from < indices.length; from += size) {
    yield { indices: indices.subarray(from, from + size), view };
  }
}

/**
 * Logits of a whole split, or of some of its images.
 *
 * @param taps the ones that hold logits
 * @returns `[count, classes]` for each of the taps
 */
export async function predict(
  network: Network,
  dataset: Dataset,
  split: Split,
  pause: () => Promise<void>,
  indices = everyIndex(split.count),
  taps: readonly string[] = ['logits'],
): Promise<Float32Array[]> {
  const widths = taps.map((tap) => network.plan.taps[tap][0]);
  const logits = widths.map((width) => new Float32Array(indices.length * width));
  await forEachOutput(
    network,
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

/** Milliseconds of a forward pass of one image: the median of `runs` after a tenth as many warm-ups. */
export function singleImageLatency(network: Network, shape: readonly number[], runs = 50): number {
  const image = tf.zeros([1, ...shape]);
  const times: number[] = [];
  for (let i = -Math.ceil(runs / 10); i < runs; i++) {
    const begun = performance.now();
    tf.tidy(() => {
      run(network.forward, network.variables, image, { taps: [] }).output.dataSync();
    });
    if (i >= 0) times.push(performance.now() - begun);
  }
  image.dispose();
  return times.sort((a, b) => a - b)[runs >> 1];
}
