import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { lossOf } from '../testing/terms.ts';

beforeAll(() => startEngine());

const loss = (teacher: tf.Tensor) => lossOf('rkd_angle', {}, 'features', { features: teacher });

test('by hand: a right-angled triangle against a line', () => {
  const student = tf.tensor([
    [0, 0],
    [1, 0],
    [0, 1],
  ]);
  // Cosines 0, √½, √½ against 1, −1, 1; each occurs twice among 27 entries.
  const f = loss(tf.tensor([[0], [1], [2]]));
  const half = Math.SQRT1_2;
  expectClose(f(student), [(2 * (0.5 + (half + 1 - 0.5) + (1 - half) ** 2 / 2)) / 27]);
});

test('position, scale and rotation do not matter', () => {
  const [x, y] = [sample([5, 2]), sample([5, 3], 1)];
  const value = loss(y)(x).dataSync();
  const turned = tf.matMul(
    x,
    tf.tensor2d([
      [0.6, 0.8],
      [-0.8, 0.6],
    ]),
  );
  expectClose(loss(tf.add(tf.mul(y, 7), 3))(turned), value);
});

test('samples with equal features get no gradient from each other', () => {
  const f = loss(sample([4, 3], 1));
  const row = sample([1, 3]);
  const gradient = tf
    .grad(f)(tf.concat([row, row, sample([2, 3], 2)]))
    .dataSync();
  expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1);
});
