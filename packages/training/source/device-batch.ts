import { type Labels, targetOf, type Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batches/batch-thread.ts';
import type { InputBatch } from './batches/batches.ts';
import type { TeacherTaps } from './teacher-taps.ts';

/** A mini-batch on the device. It is a type because tf.tidy does not accept interfaces. */
export type DeviceBatch = Labels & {
  /** Images or texts, `[batch, …shape]`. */
  inputs: tf.Tensor;
  /** The indices of the samples in the training split, `[batch]`, int32. */
  indices: tf.Tensor1D;
  /** The teacher's taps, `[batch, …]`. */
  teacher: Tensors;
};

/**
 * Copies a batch to the device; the caller disposes it.
 *
 * @param dataset the shape of one input and the names of the classes
 * @param teacher gives the teachers' taps; absent when no term reads any
 */
export function toDevice(
  batch: Batch,
  { shape, classes }: { shape: readonly number[]; classes: readonly string[] },
  teacher?: TeacherTaps,
): DeviceBatch {
  return tf.tidy(() => {
    const labels = labelsOf(batch);
    const inputs = tf.tensor(batch.inputs, [batch.size, ...shape]);
    const rows: Tensors = Object.fromEntries(
      Object.entries(batch.teacher).map(([tap, { values, shape: own }]) => [
        tap,
        tf.tensor(values, [batch.size, ...own]),
      ]),
    );
    return {
      inputs,
      ...labels,
      indices: tf.tensor1d(batch.indices, 'int32'),
      teacher: teacher?.of({ inputs, labels: targetOf(labels, classes.length), rows }) ?? {},
    };
  });
}

/** Copies the labels of a batch to the device; call it in a tidy. */
export function labelsOf({
  labels,
  labelled,
  mixed,
}: Pick<InputBatch, 'labels' | 'labelled' | 'mixed'>): Labels {
  return {
    labels: tf.tensor1d(labels, 'int32'),
    ...(labelled && { labelled: tf.tensor1d(labelled) }),
    ...(mixed && {
      mixed: { labels: tf.tensor1d(mixed.labels, 'int32'), shares: tf.tensor1d(mixed.shares) },
    }),
  };
}
