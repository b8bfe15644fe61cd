import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '@distillery/engine/testing';
import { bound, lossOf, lossOfTaps } from '../testing/terms.ts';

beforeAll(() => startEngine());

test('by hand: two channels at different places against one at both', () => {
  // Over space: (1, 0) and (0, 2) against (3, 4).
  const teacher = { stage1: tf.tensor([3, 4], [1, 1, 2, 1]) };
  const loss = lossOf('nst', {}, 'stage1', teacher)(tf.tensor([1, 0, 0, 2], [1, 1, 2, 2]));
  expectClose(loss, [1 + (1 + 0 + 0 + 1) / 4 - 2 * ((0.36 + 0.64) / 2)]);
});

test('the sizes, order and number of channels do not matter', () => {
  const teacher = { stage1: tf.tensor([1, 2, 3, 1], [1, 1, 2, 2]) };
  const student = tf.tensor([4, -1, 4, 1, 2, -3, 2, 3], [1, 1, 2, 4]);
  expectClose(lossOf('nst', {}, 'stage1', teacher)(student), [0]);
});

test('is the sum over stages, pooled to the smaller', () => {
  const map = (values: number[], shape = [1, 1, 2, 1]) => tf.tensor(values, shape);
  const f = lossOfTaps('nst', {}, ['x', 'y'], { a: map([1, 0]), b: map([1, 0]) });
  expectClose(f(map([0, 3]), map([2, 0])), [2]);
  expectClose(f(map([0, 3]), map([0, 0, 5, 7], [1, 1, 4, 1])), [4]);
  expect(bound('nst', {}, { a: [4, 4, 2], b: [2, 2, 3] }, { c: [9, 9, 1] })).toMatchObject({
    student: ['a'],
    teacher: ['c'],
    matching: true,
  });
});
