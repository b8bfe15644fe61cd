import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectNoLeak, sample } from '../testing/tensors.ts';
import { shuffleChannels } from './shuffle.ts';

beforeAll(() => startEngine());

test('takes a channel of each group in turn', () => {
  const x = tf.tensor4d([0, 1, 2, 3, 4, 5], [1, 1, 1, 6]);
  expect([...shuffleChannels(x, 2).dataSync()]).toEqual([0, 3, 1, 4, 2, 5]);
  expect([...shuffleChannels(x, 3).dataSync()]).toEqual([0, 2, 4, 1, 3, 5]);
  expect([...shuffleChannels(x, 1).dataSync()]).toEqual([0, 1, 2, 3, 4, 5]);
});

test.each([
  [[2, 3, 3, 58], 2],
  [[2, 3, 3, 12], 3],
  [[64, 40, 9, 12], 6],
])('of %j in %i groups sends each gradient back to its channel', (shape, groups) => {
  const x = sample(shape);
  const weights = sample(shape, 1);
  const [, , , channels] = shape;
  const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(shuffleChannels(y, groups), weights)))(x);
  expectClose(gradient, shuffleChannels(weights, channels / groups).dataSync());
});

test('leaves no tensors behind', () => {
  const x = sample([2, 3, 3, 12]);
  expectNoLeak(() => tf.grad((y: tf.Tensor) => tf.sum(shuffleChannels(y, 3)))(x));
  expect.hasAssertions();
});
