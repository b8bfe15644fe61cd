import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak } from '../testing/tensors.ts';

const { name } = await startEngine();

const rows = () =>
  tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
const indices = () => tf.tensor1d([2, 0, 2], 'int32');

test('gathers rows and columns', () => {
  expectClose(tf.gather(rows(), indices()), [5, 6, 1, 2, 5, 6]);
  expectClose(tf.gather(rows(), tf.tensor1d([1], 'int32'), 1), [2, 4, 6]);
  expectClose(tf.gather(tf.tensor1d([7, 8], 'int32'), tf.tensor1d([1], 'int32')), [8]);
});

test('rows that are gathered twice get the sum of the gradients', () => {
  const f = (x: tf.Tensor) => tf.sum(tf.mul(tf.gather(x, indices()), tf.tensor2d([[1], [2], [3]])));
  expectClose(tf.grad(f)(rows()), [2, 2, 0, 0, 4, 4]);
  expectGradient(f, [rows()]);
});

test('leaves nothing behind', () => {
  const [x, at] = [rows(), indices()];
  expectNoLeak(() => tf.gather(x, at));
  expectNoLeak(() => tf.grad((y: tf.Tensor) => tf.sum(tf.gather(y, at)))(x));
});

// On a GPU, TensorFlow returns zeros instead.
test.runIf(name === 'native')('an index out of range is an error', () => {
  expect(() => tf.gather(rows(), tf.tensor1d([3], 'int32'))).toThrow(/indices\[0\] = 3 is not in \[0, 3\)/);
});
