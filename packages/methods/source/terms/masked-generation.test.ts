import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOf } from '../testing/terms.ts';
import { expectTrains, trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

test('by hand: the error of the unmasked values, summed over the map and averaged over the batch', () => {
  // Dropout of one half doubles the values that it keeps.
  const auxiliary = (name: string, x: tf.Tensor) => (name === 'mask' ? tf.tensor([2, 0, 0, 2], x.shape) : x);
  const teacher = { x: tf.ones([2, 1, 1, 2]) };
  const f = lossOf('masked_generation', { ratio: 0.5 }, 'x', teacher, { auxiliary });
  const student = tf.tensor([3, 5, 7, 2], [2, 1, 1, 2]);
  expectClose(f(student), [(4 + 1 + 1 + 1) / 2]);
  expectClose(tf.grad(f)(student), [2, 0, 0, 1]);
});

test.each([
  ['channels', [1, 1, 3]],
  ['positions', [4, 3, 1]],
])('masks %s with ones and zeros, about as many as the ratio', (mask, shape) => {
  const setting = { student: { x: [4, 3, 3] }, teacher: { x: sample([64, 4, 3, 3], 1) } };
  const { term, loss, tensors } = trained('masked_generation', { mask, ratio: 0.4 }, setting);
  expect(term.auxiliary.mask.inputShape).toEqual(shape);
  // Masked values get no gradient.
  const gradient = tf.grad((y: tf.Tensor) => loss(y, ...tensors))(sample([64, 4, 3, 3]));
  const hidden = tf.mean(tf.cast(tf.equal(gradient, 0), 'float32'), mask === 'channels' ? [1, 2] : [3]);
  const shares = [...hidden.dataSync()];
  expect(shares.every((share) => share === 0 || share === 1)).toBe(true);
  const share = shares.reduce((sum, value) => sum + value, 0) / shares.length;
  expect(share).toBeGreaterThan(0.3);
  expect(share).toBeLessThan(0.5);
});

test('the generator and the layer that aligns the channels are trained, with the gradient that finite differences give', () => {
  const student = { x: [4, 3, 2] };
  const teacher = { x: sample([3, 3, 3, 3], 1) };
  const { term, names } = trained('masked_generation', {}, { student, teacher });
  expect(term.matching).toBe(false);
  expect(names).toEqual([
    'align/conv.weight',
    'align/conv.bias',
    'generator/conv1.weight',
    'generator/conv1.bias',
    'generator/conv2.weight',
    'generator/conv2.bias',
  ]);
  expectTrains('masked_generation', {}, { student, teacher }, { step: 2 ** -8, tolerance: 2e-2 });
  expect(Object.keys(bound('masked_generation', {}, { x: [2, 2, 3] }, { x: [2, 2, 3] }).auxiliary)).toEqual([
    'mask',
    'generator',
  ]);
});
