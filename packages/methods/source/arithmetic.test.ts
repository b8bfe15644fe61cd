import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { meanSquaredError, smoothL1, unit, zeroLoss } from './arithmetic.ts';

beforeAll(() => startEngine());

test.each([-1, 0, 1])(
  'unit scales to length 1 along axis %i, with the gradient of its differences',
  (axis) => {
    const x = sample([3, 4, 2]);
    expectClose(tf.sum(tf.square(unit(x, axis)), axis), new Float32Array(24 / x.shape.at(axis)!).fill(1));
    const factors = sample([3, 4, 2], 1);
    expectGradient((y) => tf.sum(tf.mul(unit(y, axis), factors)), [x], { step: 2 ** -9 });
  },
);

test('unit by hand: 3-4-5, and zeros stay zeros without gradient', () => {
  const x = tf.tensor([
    [3, 4],
    [0, 0],
  ]);
  expectClose(unit(x), [0.6, 0.8, 0, 0]);
  // (dy − u·(u·dy))/5 of dy = (1, 0).
  const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(unit(y), tf.tensor([1, 0]))))(x);
  expectClose(gradient, [(1 - 0.36) / 5, -0.48 / 5, 0, 0]);
});

test('smoothL1 by hand: both branches and their boundary', () => {
  const x = tf.tensor([0, 0.5, -0.5, 1, -1, 3, -3, 1.5]);
  const f = (y: tf.Tensor) => smoothL1(y, tf.zeros([8]));
  expectClose(f(x), [(0 + 0.125 + 0.125 + 0.5 + 0.5 + 2.5 + 2.5 + 1) / 8]);
  expectClose(
    tf.grad(f)(x),
    [0, 0.5, -0.5, 1, -1, 1, -1, 1].map((slope) => slope / 8),
  );
});

test('meanSquaredError by hand, with the gradient that finite differences give', () => {
  expectClose(meanSquaredError(tf.tensor([1, 2, 3]), tf.tensor([1, 4, 0])), [(0 + 4 + 9) / 3]);
  expectGradient(meanSquaredError, [sample([3, 4]), sample([3, 4], 1)]);
});

test('zeroLoss is 0 with a gradient of 0, even for infinite values', () => {
  const x = tf.tensor([1, Infinity, -Infinity]);
  expectClose(zeroLoss(x), [0]);
  expectClose(tf.grad(zeroLoss)(x), [0, 0, 0]);
});

test.each<[string, (x: tf.Tensor) => tf.Tensor]>([
  ['meanSquaredError', (x) => meanSquaredError(x, tf.onesLike(x))],
  ['unit', (x) => tf.sum(unit(x))],
  ['smoothL1', (x) => smoothL1(x, tf.zerosLike(x))],
  ['zeroLoss', zeroLoss],
])('%s leaves no tensors behind', (_name, f) => {
  const x = sample([3, 4]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(x)));
  expectNoLeak(() => tf.tidy(() => f(x)));
});
