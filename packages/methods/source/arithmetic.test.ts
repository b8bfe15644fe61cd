import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, test } from 'vitest';
import { expectClose, expectGradient, sample } from '@distillery/engine/testing';
import { smoothL1, unit } from './arithmetic.ts';

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
