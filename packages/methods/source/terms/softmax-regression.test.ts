import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, thrown } from '../testing/terms.ts';
import { expectTrains, trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const head = (bias: boolean) => ({
  student: {},
  teacher: {
    'features.0.weight': [3, 2],
    'fc.weight': [3, 2],
    ...(bias ? { 'fc.bias': [2] } : {}),
    'other.weight': [2, 3],
  },
});
const shapes = { features: [3], logits: [2] };

test("by hand: the teacher's features, and its logits through its own classifier", () => {
  const term = bound('softmax_regression', {}, shapes, shapes, head(true));
  expect(term).toMatchObject({
    student: ['features'],
    teacher: ['features', 'logits'],
    teacherParameters: ['fc.weight', 'fc.bias'],
    matching: false,
  });
  const weight = tf.tensor2d([1, 0, 0, 2, 1, 1], [3, 2]);
  const bias = tf.tensor1d([10, 20]);
  const { loss } = trained(
    'softmax_regression',
    {},
    {
      student: { features: [3] },
      // The logits that the classifier gives.
      teacher: { features: tf.tensor([[1, 1, 1]]), logits: tf.tensor([[12, 23]]) },
      parameters: head(true),
      batch: { auxiliary: (_, y) => y, teacherParameters: { 'fc.weight': weight, 'fc.bias': bias } },
    },
  );
  const f = (x: tf.Tensor) => loss(x);
  expectClose(f(tf.tensor([[1, 1, 1]])), [0]);
  // An error of 3 in one feature is an error of 6 in the second logit.
  expectClose(f(tf.tensor([[1, 4, 1]])), [9 / 3 + 36 / 2]);
  expectClose(tf.grad(f)(tf.tensor([[1, 4, 1]])), [0, 2 + 12, 6]);
});

test('a classifier without bias', () => {
  expect(bound('softmax_regression', {}, shapes, shapes, head(false)).teacherParameters).toEqual([
    'fc.weight',
  ]);
});

test.each([true, false])(
  'the connector is trained, with the gradient that finite differences give; rectify %s',
  (rectify) => {
    const setting = {
      student: { features: [4] },
      teacher: { features: sample([3, 3], 1), logits: sample([3, 2], 3) },
      parameters: head(true),
      batch: { teacherParameters: { 'fc.weight': sample([3, 2], 5), 'fc.bias': sample([2], 7) } },
    };
    const { names } = trained('softmax_regression', { rectify }, setting);
    expect(names).toEqual(['connector/linear.weight', 'connector/bn.weight', 'connector/bn.bias']);
    expectTrains('softmax_regression', { rectify }, setting, { step: 2 ** -9, tolerance: 2e-2 });
  },
);

test('refuses a teacher without such a layer', () => {
  const parameters = { student: {}, teacher: { 'fc.weight': [4, 2] } };
  const error = thrown(() => bound('softmax_regression', {}, shapes, shapes, parameters));
  expect(error).toMatchObject({
    name: 'TapError',
    path: '/teacher',
    message: 'the teacher has no linear layer from its features [3] to its 2 classes',
  });
});
