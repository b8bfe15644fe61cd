import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const loss = (teacher: tf.Tensor) => lossOf('pkt', {}, 'features', { features: teacher });

test('by hand: right angles, so 2/3 and 1/3, against opposites, so 1 and 0', () => {
  const student = tf.tensor([
    [1, 0],
    [0, 5],
  ]);
  expectClose(loss(tf.tensor([[1], [-2]]))(student), [(2 * Math.log(3 / 2)) / 4]);
});

test('by hand: right angles against 60°, so 4/7 and 3/7', () => {
  const teacher = tf.tensor([
    [2, 0],
    [0.5, Math.sqrt(0.75)],
  ]);
  const student = tf.tensor([
    [1, 0],
    [0, 5],
  ]);
  const expected = (4 / 7) * Math.log(6 / 7) + (3 / 7) * Math.log(9 / 7);
  expectClose(loss(teacher)(student), [(2 * expected) / 4]);
});

test('the lengths of features do not matter', () => {
  const [x, y] = [sample([4, 3]), sample([4, 5], 1)];
  expectClose(loss(tf.mul(y, 50))(tf.mul(x, 0.02)), loss(y)(x).dataSync());
});

test('accepts only vectors', () => {
  const taps = { stage1: [2, 2, 3], features: [6] };
  expect(thrown(() => bound('pkt', { student: 'stage1' }, taps, taps))).toMatchObject({
    name: 'TapError',
    path: '/student',
    value: 'stage1',
    allowed: ['features'],
    message: "the student's stage1 [2,2,3], to be compared with the teacher's features [6], is not a vector",
  });
});
