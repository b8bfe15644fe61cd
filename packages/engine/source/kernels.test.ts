import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { biasAdd } from './kernels.ts';
import { startEngine } from './start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from './testing.ts';

beforeAll(() => startEngine());

const shapes = [[[4, 3]], [[2, 3, 5, 3]], [[1, 1]]];
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));

describe('biasAdd', () => {
  const biasOf = (shape: number[]) => sample([shape[shape.length - 1]], 1) as tf.Tensor1D;

  test.each(shapes)('of %j is an addition', (shape) => {
    const [x, bias] = [sample(shape), biasOf(shape)];
    const y = biasAdd(x, bias);
    expect(y.shape).toEqual(shape);
    expectClose(y, tf.add(x, bias).dataSync(), { relative: 0, absolute: 1e-7 });
  });

  test.each(shapes)('of %j has the gradients of the addition and of differences', (shape) => {
    const x = [sample(shape), biasOf(shape)];
    const own = tf.grads((a, b) => weighted(biasAdd(a, b as tf.Tensor1D)))(x);
    const stock = tf.grads((a, b) => weighted(tf.add(a, b)))(x);
    own.forEach((gradient, i) => {
      expect(gradient.shape).toEqual(x[i].shape);
      expectClose(gradient, stock[i].dataSync());
    });
    expectGradient((a, b) => weighted(biasAdd(a, b as tf.Tensor1D)), x);
  });

  test('leaves nothing behind', () => {
    const x = [sample([4, 3]), sample([3])];
    expectNoLeak(() => tf.grads((a, b) => weighted(biasAdd(a, b as tf.Tensor1D)))(x));
    expectNoLeak(() => biasAdd(x[0], x[1] as tf.Tensor1D));
  });

  test('its gradient may be asked for one side alone', () => {
    const bias = sample([3]) as tf.Tensor1D;
    expectClose(tf.grad((x: tf.Tensor) => tf.sum(biasAdd(x, bias)))(sample([2, 3])), [1, 1, 1, 1, 1, 1]);
  });
});

describe("relu's gradient", () => {
  test('passes where the input is above 0, and only there', () => {
    const x = tf.tensor([-1, -0, 0, 1e-30, 1, 5]);
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(tf.relu(y), tf.tensor([2, 3, 4, 5, 6, 7]))))(x);
    expect([...gradient.dataSync()]).toEqual([0, 0, 0, 5, 6, 7]);
  });

  test.each(shapes)('of %j equals the composite that it replaces, and differences', (shape) => {
    const x = sample(shape);
    const stock = tf.mul(sample(shape, 9), tf.step(x));
    expectClose(tf.grad((y: tf.Tensor) => weighted(tf.relu(y)))(x), stock.dataSync());
    // No element of the sample is nearer to the kink than the step.
    expect(Math.min(...x.dataSync().map(Math.abs))).toBeGreaterThan(2 ** -10);
    expectGradient((y) => weighted(tf.relu(y)), [x], { step: 2 ** -10 });
  });

  test('leaves nothing behind', () => {
    const x = sample([4, 3]);
    expectNoLeak(() => tf.grad((y: tf.Tensor) => tf.sum(tf.relu(y)))(x));
  });
});

describe("max pooling's gradient", () => {
  const pool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid');

  test('gives all to the first maximum of a window in row-major order', () => {
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

  test.each([[[2, 4, 6, 3]], [[1, 5, 7, 2]]])('of %j has the gradient of differences', (shape) => {
    expectGradient((x) => weighted(pool(x)), [sample(shape)], { step: 2 ** -10 });
  });

  test('leaves nothing behind', () => {
    const x = sample([2, 4, 4, 3]);
    expectNoLeak(() => tf.grad((y: tf.Tensor) => weighted(pool(y)))(x));
  });
});
