import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const taps = { student: 'h', teacher: 'h' };
const loss = (teacher: tf.Tensor) => lossOf('cosine', taps, 'h', { h: teacher });

test('by hand: angles of 0°, 90° and 180°, averaged', () => {
  const teacher = tf.tensor([
    [1, 0],
    [0, 2],
    [3, 0],
  ]);
  const student = tf.tensor([
    [5, 0],
    [1, 0],
    [-1, 0],
  ]);
  expectClose(loss(teacher)(student), [(0 + 1 + 2) / 3]);
});

test('by hand: 3-4-5', () => {
  const f = loss(tf.tensor([[1, 0]]));
  expectClose(f(tf.tensor([[3, 4]])), [1 - 0.6]);
  // −(t − cos·s/|s|)/|s|
  expectClose(tf.grad(f)(tf.tensor([[3, 4]])), [-(1 - 0.36) / 5, 0.48 / 5]);
});

test('a longer teacher is average-pooled by neighbours', () => {
  const teacher = tf.tensor([[1, 3, -2, 0, 5, 5]]);
  const student = tf.tensor([[1, 1, 1]]);
  // (2, −1, 5) against (1, 1, 1)
  expectClose(loss(teacher)(student), [1 - 6 / Math.sqrt(30 * 3)]);
});

test('maps are flattened channels first, so that pooling averages neighbouring columns', () => {
  // [1, 2, 2, 2]: channel 0 is ((1, 2), (3, 4)), channel 1 is ((10, 30), (50, 70)).
  const teacher = tf.tensor([1, 10, 2, 30, 3, 50, 4, 70], [1, 2, 2, 2]);
  // PyTorch's avg_pool1d(x.flatten(1), 2) of the NCHW tensor.
  const pooled = [1.5, 3.5, 20, 60];
  const f = loss(teacher);
  expectClose(f(tf.tensor([pooled])), [0], { absolute: 1e-6 });
  // A student's map is flattened in the same order: [1, 2, 1, 2], channel 0 is (1.5, 3.5).
  expectClose(f(tf.tensor([1.5, 20, 3.5, 60], [1, 1, 2, 2])), [0], { absolute: 1e-6 });
  expect(f(tf.tensor([[1.5, 20, 3.5, 60]])).dataSync()[0]).toBeGreaterThan(0.05);
});

test.each([
  [
    [3, 4],
    [3, 4],
  ],
  [
    [3, 4],
    [3, 12],
  ],
  [
    [2, 2, 2, 2],
    [2, 4, 2, 4],
  ],
])('of %j and %j has the gradient that finite differences give, and leaves no tensors behind', (from, to) => {
  const [x, y] = [sample(from), sample(to, 1)];
  expectGradient(loss(y), [x]);
  expectNoLeak(() => tf.tidy(() => tf.grad(loss(y))(x)));
});

test('is 0, without gradient, between equal taps', () => {
  const x = sample([2, 2, 3, 2]);
  expectClose(loss(x)(x), [0], { absolute: 1e-6 });
  expectClose(tf.grad(loss(x))(x), new Float32Array(24), { absolute: 1e-6 });
});

test('a student of zeros is not NaN', () => {
  const f = loss(tf.tensor([[1, 0]]));
  expectClose(f(tf.zeros([1, 2])), [1]);
  expect(
    tf
      .grad(f)(tf.zeros([1, 2]))
      .dataSync()
      .every(Number.isFinite),
  ).toBe(true);
});

test("refuses a teacher whose length is not a multiple of the student's, and names both shapes", () => {
  const bind = (student: number[], teacher: number[]) =>
    thrown(() => bound('cosine', taps, { h: student }, { h: teacher }));
  const error = bind([4, 4, 3], [7, 7, 2]);
  expect(error).toMatchObject({ name: 'TapError', path: '/teacher', value: 'h' });
  expect((error as Error).message).toMatch(/\[7,7,2\].*\[4,4,3\].*multiple of 48/);
  // A longer student is not pooled.
  expect(bind([8], [4])).toMatchObject({ path: '/teacher' });
  expect(bound('cosine', taps, { h: [4] }, { h: [8] }).matching).toBe(true);
});
