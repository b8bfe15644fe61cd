import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOf } from '../testing/terms.ts';

beforeAll(() => startEngine());

const loss = (teacher: tf.Tensor) => lossOf('rkd_distance', {}, 'features', { features: teacher });

test('by hand: 0, 1, 3 against 0, 2, 1', () => {
  // Distances 1, 3, 2 over 2 and 2, 1, 1 over 4/3 differ by 1, ¾, ¼; each occurs twice, beside three zeros.
  const f = loss(tf.tensor([[0], [2], [1]]));
  expectClose(f(tf.tensor([[0], [1], [3]])), [(2 * (1 + 0.75 ** 2 + 0.25 ** 2)) / 2 / 9]);
});

test('position and scale do not matter, and a distant position loses no precision', () => {
  const [x, y] = [sample([5, 4]), sample([5, 3], 1)];
  const value = loss(y)(x).dataSync();
  expectClose(loss(tf.mul(y, 100))(tf.mul(x, 0.01)), value);
  expectClose(loss(y)(tf.add(x, 100)), value, { relative: 1e-3 });
});

test('uses features by default', () => {
  const taps = { stage1: [2, 2, 3], features: [6], logits: [4] };
  expect(bound('rkd_distance', {}, taps, taps)).toMatchObject({
    student: ['features'],
    teacher: ['features'],
  });
});
