import type { Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batches/batch-thread.ts';
import type { TeacherTaps } from './teacher-taps.ts';

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
 * @param teacher gives the teachers' taps; absent when no term reads any
 */
export function toDevice(batch: Batch, shape: readonly number[], teacher?: TeacherTaps): DeviceBatch {
  return tf.tidy(() => {
    const labels = tf.tensor1d(batch.labels, 'int32');
    const inputs = tf.tensor(batch.inputs, [batch.size, ...shape]);
    const rows: Tensors = Object.fromEntries(
      Object.entries(batch.teacher).map(([tap, { values, shape: own }]) => [
        tap,
        tf.tensor(values, [batch.size, ...own]),
      ]),
    );
    return {
      inputs,
      labels,
      indices: tf.tensor1d(batch.indices, 'int32'),
      teacher: teacher?.of({ inputs, labels, rows }) ?? {},
    };
  });
}
