import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectNoLeak, sample } from '../testing/tensors.ts';

beforeAll(() => startEngine());

/** What PyTorch 2.13 gives: `x.abs()`, `relu`, `relu6` and `clamp(-1, 1)`, each summed and differentiated. */
const derivatives: [string, (x: tf.Tensor) => tf.Tensor, x: number[], expected: number[]][] = [
  ['abs', tf.abs, [-2, 0, 3], [-1, 0, 1]],
  ['relu', tf.relu, [-1, 0, 2], [0, 0, 1]],
  ['relu6', tf.relu6, [-1, 0, 3, 6, 7], [0, 0, 1, 0, 0]],
  ['clip', (x) => tf.clipByValue(x, -1, 1), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]],
];

test.each(derivatives)("the derivative of %s at its kinks is PyTorch's", (_, f, x, expected) => {
  expect([
    ...tf
      .grad((y) => tf.sum(f(y)))(tf.tensor(x))
      .dataSync(),
  ]).toEqual(expected);
});

test.each(derivatives)('the gradient of %s leaves no tensors behind', (_, f) => {
  const x = sample([4, 3]);
  expectNoLeak(() => tf.grad((y) => tf.sum(f(y)))(x));
});
