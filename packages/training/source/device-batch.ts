import type { Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batches/batch-thread.ts';

/** A mini-batch on the device. It is a type because tf.tidy does not accept interfaces. */
export type DeviceBatch = {
  /** Images or texts, `[batch, …shape]`. */
  inputs: tf.Tensor;
  /** `[batch]`, int32. */
  labels: tf.Tensor1D;
  /** The indices of the samples in the training split, `[batch]`, int32. */
  indices: tf.Tensor1D;
  /** The teacher's taps, `[batch, …]`. */
  teacher: Tensors;
};

/**
 * Copies a batch to the device; the caller disposes it.
 *
 * @param shape the shape of one input
 * @param combine computes the taps that terms read from the stored ones; absent when they are the same
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
