import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';
import { logSoftmax, softmaxCrossEntropy } from './softmax-cross-entropy.ts';

beforeAll(() => startEngine());

let target: tf.Tensor2D;
beforeAll(() => {
  target = tf.softmax(tf.tensor2d([0, 1, 2, 3, 2, 1, -4, 0, 1, 1, 1, 1], [3, 4]));
});
const logits = () => tf.mul<tf.Tensor2D>(sample([3, 4]), 5);
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));

test('is the cross-entropy of each sample', () => {
  const composite = tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(logits())), -1));
  const own = softmaxCrossEntropy(logits(), target);
  expect(own.shape).toEqual([3]);
  expectClose(own, composite.dataSync());
});

test('has the gradient of the composition and of finite differences', () => {
  const own = (z: tf.Tensor) => weighted(softmaxCrossEntropy(z as tf.Tensor2D, target));
  const stock = (z: tf.Tensor) =>
    weighted(tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(z as tf.Tensor2D)), -1)));
  expectClose(tf.grad(own)(logits()), tf.grad(stock)(logits()).dataSync());
  expectGradient(own, [logits()]);
});

test('stays finite where a class is certain', () => {
  const certain = tf.tensor2d([200, -200], [1, 2]);
  const wrong = tf.tensor2d([0, 1], [1, 2]);
  const own = (z: tf.Tensor) => tf.sum(softmaxCrossEntropy(z as tf.Tensor2D, wrong));
  expect(own(certain).dataSync()[0]).toBeCloseTo(400, 3);
  expectClose(tf.grad(own)(certain), [1, -1]);
});

test('leaves no tensors behind', () => {
  const z = logits();
  expectNoLeak(() => tf.grad((x: tf.Tensor) => tf.sum(softmaxCrossEntropy(x as tf.Tensor2D, target)))(z));
  expectNoLeak(() => softmaxCrossEntropy(z, target));
});

test('accepts class numbers instead of one-hot targets', () => {
  const labels = tf.tensor1d([2, 0, 3], 'int32');
  const hot = tf.cast(tf.oneHot(labels, 4), 'float32') as tf.Tensor2D;
  const own = (target: tf.Tensor1D | tf.Tensor2D) => (z: tf.Tensor) =>
    weighted(softmaxCrossEntropy(z as tf.Tensor2D, target));
  expectClose(softmaxCrossEntropy(logits(), labels), softmaxCrossEntropy(logits(), hot).dataSync());
  expectClose(tf.grad(own(labels))(logits()), tf.grad(own(hot))(logits()).dataSync());
  const z = logits();
  expectNoLeak(() => tf.grad(own(labels))(z));
});

test('logSoftmax equals the composition, and its gradient finite differences', () => {
  const z = logits();
  expectClose(logSoftmax(z), tf.log(tf.softmax(z)).dataSync());
  expectGradient((x) => weighted(logSoftmax(x)), [z]);
  expectClose(logSoftmax(tf.tensor2d([200, -200], [1, 2])), [0, -400]);
  expectNoLeak(() => tf.grad((x: tf.Tensor) => weighted(logSoftmax(x)))(z));
});
