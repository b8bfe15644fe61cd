import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';
import { maxPool } from './max-pool.ts';

beforeAll(() => startEngine());

const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));

describe('the gradient of max pooling', () => {
  const pool = (x: tf.Tensor) => maxPool(x, { size: 2, stride: 2 });

  test('goes to the first maximum of a window in row-major order', () => {
    const x = tf.tensor(
      [
        [1, 5, 2, 2],
        [5, 5, 2, 2],
        [0, 0, 3, 4],
        [0, 7, 9, 9],
      ].flat(),
      [1, 4, 4, 1],
    );
    const gradient = tf.grad((y: tf.Tensor) =>
      tf.sum(tf.mul(pool(y), tf.tensor([1, 2, 3, 4], [1, 2, 2, 1]))),
    )(x);
    expect([...gradient.dataSync()]).toEqual(
      [
        [0, 1, 2, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 3, 4, 0],
      ].flat(),
    );
  });

  test.each([[[2, 4, 6, 3]], [[1, 5, 7, 2]]])(
    'of %j has the gradient that finite differences give',
    (shape) => {
      expectGradient((x) => weighted(pool(x)), [sample(shape)], { step: 2 ** -10 });
    },
  );

  test('leaves no tensors behind', () => {
    const x = sample([2, 4, 4, 3]);
    expectNoLeak(() => tf.grad((y: tf.Tensor) => weighted(pool(y)))(x));
  });

  test.each([[{ size: 3, stride: 2 }], [{ size: 2, stride: 1 }], [{ size: 3, stride: 3 }]])(
    'windows of %j pool and spread as the stock operation does',
    (options) => {
      const x = sample([2, 7, 8, 5]);
      const stock = (y: tf.Tensor): tf.Tensor =>
        tf.maxPool(y as tf.Tensor4D, options.size, options.stride, 'valid');
      expectClose(maxPool(x, options), stock(x).dataSync(), { relative: 0, absolute: 0 });
      const slopes = (pooling: typeof stock) => tf.grad((y: tf.Tensor) => weighted(pooling(y)))(x);
      expectClose(
        slopes((y) => maxPool(y, options)),
        slopes(stock).dataSync(),
      );
    },
  );
});
