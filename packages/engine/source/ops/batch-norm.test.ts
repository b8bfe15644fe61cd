import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';
import { batchNormInference, batchNormTraining } from './batch-norm.ts';

beforeAll(() => startEngine());

const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));
const shapes = [[[3, 2, 2, 3]], [[2, 4, 5, 1]], [[6, 3]]];

/** Batch normalisation composed of public operations. */
function composite(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const centred = tf.sub(x, tf.mean(x, axes));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), axes), 1e-5));
  return tf.add(tf.mul(tf.div(centred, deviation), scale), offset);
}

const argumentsOf = (shape: number[]) => {
  const channels = [shape[shape.length - 1]];
  return [sample(shape), sample(channels, 1), sample(channels, 2)];
};

test.each(shapes)('of %j normalises, and returns the statistics of the batch', (shape) => {
  const [x, scale, offset] = argumentsOf(shape);
  const { y, mean, variance } = batchNormTraining(x, scale, offset);
  expectClose(y, composite(x, scale, offset).dataSync());
  const moments = tf.moments(x, shape.map((_, axis) => axis).slice(0, -1));
  expectClose(mean, moments.mean.dataSync());
  expectClose(variance, moments.variance.dataSync());
  // With the statistics of the batch both forms agree.
  expectClose(batchNormInference(x, mean, variance, scale, offset), y.dataSync());
});

test.each(shapes)('of %j has the gradients of the composition and of finite differences', (shape) => {
  const inputs = argumentsOf(shape);
  const own = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => weighted(batchNormTraining(x, a, b).y);
  const stock = tf.grads((x, a, b) => weighted(composite(x, a, b)))(inputs);
  tf.grads(own)(inputs).forEach((gradient, index) => expectClose(gradient, stock[index].dataSync()));
  expectGradient(own, inputs);
});

test('leaves no tensors behind', () => {
  const inputs = argumentsOf([3, 2, 2, 3]);
  const own = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => weighted(batchNormTraining(x, a, b).y);
  expectNoLeak(() => tf.grads(own)(inputs));
  expectNoLeak(() => ({ ...batchNormTraining(inputs[0], inputs[1], inputs[2]) }));
  expect.hasAssertions();
});
