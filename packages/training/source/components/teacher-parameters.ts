import type { Tensors } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Component } from './component.ts';

/** Parameters of a frozen teacher that terms read, by name. */
export type TeacherParameters = Record<string, { shape: number[]; values: Float32Array }>;

/** Holds a frozen teacher's parameters on the device. They are loaded from the store, so checkpoints do not need them. */
export function teacherParameters(parameters: TeacherParameters): Component & { tensors: Tensors } {
  const tensors: Tensors = Object.fromEntries(
    Object.entries(parameters).map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]),
  );
  return { name: 'teacher_parameters', tensors, dispose: () => tf.dispose(tensors) };
}
