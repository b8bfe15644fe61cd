import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectNoLeak } from '../testing/tensors.ts';

beforeAll(() => startEngine());

test.each([
  [0, [0, 0, 0, 1, 1]],
  [0.25, [0.25, 0.25, 0.25, 1, 1]],
])('a step with alpha %d', (alpha, expected) => {
  const x = tf.tensor([-2, -0, 0, 1e-30, 3]);
  expect([...tf.step(x, alpha).dataSync()]).toEqual(expected);
  expectNoLeak(() => tf.step(x, alpha));
});

test('a sum broadcasts, and keeps whole numbers whole', () => {
  expect([...tf.add(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor1d([10, 20])).dataSync()]).toEqual([
    11, 22, 13, 24,
  ]);
  const whole = tf.add(tf.tensor1d([1, 2], 'int32'), tf.scalar(3, 'int32'));
  expect([whole.dtype, ...whole.dataSync()]).toEqual(['int32', 4, 5]);
  const mixed = tf.add(tf.tensor1d([1, 2], 'int32'), 0.5);
  expect([mixed.dtype, ...mixed.dataSync()]).toEqual(['float32', 1.5, 2.5]);
  expectNoLeak(() => tf.add(whole, whole));
});
