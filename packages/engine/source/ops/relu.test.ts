import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';

beforeAll(() => startEngine());

const shapes = [[[4, 3]], [[2, 3, 5, 3]], [[1, 1]]];
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));

describe('the gradient of relu', () => {
  test('passes only where the input is above 0', () => {
    const x = tf.tensor([-1, -0, 0, 1e-30, 1, 5]);
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(tf.relu(y), tf.tensor([2, 3, 4, 5, 6, 7]))))(x);
    expect([...gradient.dataSync()]).toEqual([0, 0, 0, 5, 6, 7]);
  });

  test.each(shapes)('of %j equals the composition that it replaces, and finite differences', (shape) => {
    const x = sample(shape);
    const stock = tf.mul(sample(shape, 9), tf.step(x));
    expectClose(tf.grad((y: tf.Tensor) => weighted(tf.relu(y)))(x), stock.dataSync());
    // No element of the sample is within a step of the kink.
    expect(Math.min(...x.dataSync().map(Math.abs))).toBeGreaterThan(2 ** -10);
    expectGradient((y) => weighted(tf.relu(y)), [x], { step: 2 ** -10 });
  });

  test('leaves no tensors behind', () => {
    const x = sample([4, 3]);
    expectNoLeak(() => tf.grad((y: tf.Tensor) => tf.sum(tf.relu(y)))(x));
  });
});
