import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '@distillery/engine/testing';
import { bound, lossOf, lossOfTaps, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

test('by hand: attention (1, 4)/√17 and (1, 1)/√2', () => {
  const teacher = { stage1: tf.tensor([3, -3], [1, 1, 2, 1]) };
  const loss = lossOf('attention', {}, 'stage1', teacher)(tf.tensor([1, -1, 2, 2], [1, 1, 2, 2]));
  const [a, b] = [1 / Math.sqrt(17) - Math.SQRT1_2, 4 / Math.sqrt(17) - Math.SQRT1_2];
  expectClose(loss, [(a * a + b * b) / 2]);
});

test('the larger map is pooled before it is squared', () => {
  const teacher = { stage1: tf.tensor([5], [1, 1, 1, 1]) };
  const f = lossOf('attention', {}, 'stage1', teacher);
  // Values that cancel out when pooled give a map of zeros.
  expectClose(f(tf.tensor([1, -1, 2, -2], [1, 2, 2, 1])), [1]);
  expectClose(f(tf.tensor([1, 1, 2, -2], [1, 2, 2, 1])), [0]);
});

test('is the sum over stages', () => {
  const map = (values: number[]) => tf.tensor(values, [1, 1, 2, 1]);
  const teacher = { a: map([1, 0]), b: map([1, 0]) };
  const f = lossOfTaps('attention', {}, ['x', 'y'], teacher);
  expectClose(f(map([0, 3]), map([2, 0])), [1]);
  expectClose(f(map([0, 3]), map([0, 5])), [2]);
});

test('uses the first maps of both, or those that are named', () => {
  const student = { stage1: [8, 8, 4], stage2: [4, 4, 8], features: [16] };
  const teacher = { stage1: [16, 16, 3], stage2: [8, 8, 5], stage3: [3, 5, 7], features: [9] };
  expect(bound('attention', {}, student, teacher)).toMatchObject({
    student: ['stage1', 'stage2'],
    teacher: ['stage1', 'stage2'],
    matching: true,
    auxiliary: {},
  });
  expect(bound('attention', { student: 'stage1', teacher: 'stage3' }, student, teacher)).toMatchObject({
    student: ['stage1'],
    teacher: ['stage3'],
  });
  expect(thrown(() => bound('attention', { teacher: 'features' }, student, teacher))).toMatchObject({
    name: 'TapError',
    path: '/teacher',
    value: 'features',
    allowed: ['stage1', 'stage2', 'stage3'],
    message: "the teacher's features [9], to be compared with the student's stage2 [4,4,8], is not a map",
  });
});
