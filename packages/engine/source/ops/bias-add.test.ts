import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';
import { biasAdd } from './bias-add.ts';

beforeAll(() => startEngine());

const shapes = [[[4, 3]], [[2, 3, 5, 3]], [[1, 1]]];
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));

describe('biasAdd', () => {
  const biasOf = (shape: number[]) => sample([shape[shape.length - 1]], 1) as tf.Tensor1D;

  test.each(shapes)('of %j equals tf.add', (shape) => {
    const [x, bias] = [sample(shape), biasOf(shape)];
    const y = biasAdd(x, bias);
    expect(y.shape).toEqual(shape);
    expectClose(y, tf.add(x, bias).dataSync(), { relative: 0, absolute: 1e-7 });
  });

  test.each(shapes)('of %j has the gradients of tf.add and of finite differences', (shape) => {
    const x = [sample(shape), biasOf(shape)];
    const own = tf.grads((a, b) => weighted(biasAdd(a, b as tf.Tensor1D)))(x);
    const stock = tf.grads((a, b) => weighted(tf.add(a, b)))(x);
    own.forEach((gradient, i) => {
      expect(gradient.shape).toEqual(x[i].shape);
      expectClose(gradient, stock[i].dataSync());
    });
    expectGradient((a, b) => weighted(biasAdd(a, b as tf.Tensor1D)), x);
  });

  test('leaves no tensors behind', () => {
    const x = [sample([4, 3]), sample([3])];
    expectNoLeak(() => tf.grads((a, b) => weighted(biasAdd(a, b as tf.Tensor1D)))(x));
    expectNoLeak(() => biasAdd(x[0], x[1] as tf.Tensor1D));
  });

  test('its gradient can be computed for one input alone', () => {
    const bias = sample([3]) as tf.Tensor1D;
    expectClose(tf.grad((x: tf.Tensor) => tf.sum(biasAdd(x, bias)))(sample([2, 3])), [1, 1, 1, 1, 1, 1]);
  });
});
