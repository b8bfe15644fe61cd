import type { Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batches/batch-thread.ts';

/** A mini-batch on the device. A type, because tf.tidy takes no interface. */
export type DeviceBatch = {
  /** Images or texts, `[batch, …shape]`. */
  inputs: tf.Tensor;
  /** `[batch]`, int32. */
  labels: tf.Tensor1D;
  /** Which samples of the training split they are, `[batch]`, int32. */
  indices: tf.Tensor1D;
  /** The teacher's stored taps, `[batch, …]`. */
  teacher: Tensors;
};

/**
 * Puts a batch on the device; the caller disposes it.
 *
 * @param shape of one input
 * @param combine makes the taps that terms read of the stored ones; absent where these are the same
 */
export function toDevice(
  batch: Batch,
  shape: readonly number[],
  combine?: (taps: Tensors, labels: tf.Tensor1D) => Tensors,
): DeviceBatch {
  return tf.tidy(() => {
    const labels = tf.tensor1d(batch.labels, 'int32');
    const stored: Tensors = Object.fromEntries(
      Object.entries(batch.teacher).map(([tap, { values, shape: own }]) => [
        tap,
        tf.tensor(values, [batch.size, ...own]),
      ]),
    );
    return {
      inputs: tf.tensor(batch.inputs, [batch.size, ...shape]),
      labels,
      indices: tf.tensor1d(batch.indices, 'int32'),
      teacher: combine?.(stored, labels) ?? stored,
    };
  });
}
