import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const taps = { student: 'h', teacher: 'h' };
const loss = (teacher: tf.Tensor) => lossOf('similarity', taps, 'h', { h: teacher });

test('by hand: two samples at right angles against two equal ones', () => {
  const teacher = tf.tensor([[1], [1]]);
  const student = tf.tensor([
    [1, 0],
    [0, 2],
  ]);
  const half = Math.SQRT1_2;
  expectClose(loss(teacher)(student), [(2 * ((1 - half) ** 2 + half ** 2)) / 4]);
});

test('compares maps with vectors', () => {
  const [x, y] = [sample([3, 2, 2, 2]), sample([3, 5], 1)];
  expectClose(loss(y)(x), loss(y)(tf.reshape(x, [3, 8])).dataSync());
});

test('a sample without activity gets no gradient', () => {
  const student = tf.concat([tf.zeros([1, 3]), sample([2, 3])]);
  const gradient = tf
    .grad(loss(sample([3, 4], 1)))(student)
    .dataSync();
  expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1);
});

test('uses the last map by default, or features if there is none', () => {
  const student = { stage1: [4, 4, 2], stage2: [2, 2, 3], features: [5], logits: [3] };
  expect(bound('similarity', {}, student, { features: [7], logits: [3] })).toMatchObject({
    student: ['stage2'],
    teacher: ['features'],
  });
  expect(thrown(() => bound('similarity', {}, { logits: [3] }, student))).toMatchObject({
    name: 'TapError',
    path: '/student',
    message: 'the student has no map or features to use by default',
  });
});
