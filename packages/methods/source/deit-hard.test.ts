import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '../../engine/source/testing.ts';
import { bound, lossOf, thrown } from './testing.ts';

beforeAll(() => startEngine());

test('by hand: −ln of what the student gives to the classes that the teacher decides for', () => {
  const teacher = tf.tensor([
    [0, 3, 1],
    [2, 2, -5],
  ]);
  const f = lossOf('deit_hard', {}, 'logits', { logits: teacher });
  const student = tf.tensor([
    [0, Math.log(2), 0],
    [0, 0, Math.log(6)],
  ]);
  // Classes 1 and, of two that are equal, 0.
  expectClose(f(student), [(-Math.log(2 / 4) - Math.log(1 / 8)) / 2]);
  // softmax − onehot, halved by the mean.
  expectClose(tf.grad(f)(student), [0.125, -0.25, 0.125, -7 / 16, 1 / 16, 3 / 8]);
});

test('how sure the teacher is does not count', () => {
  const student = sample([3, 4]);
  const teacher = sample([3, 4], 1);
  const value = lossOf('deit_hard', {}, 'logits', { logits: teacher })(student).dataSync();
  expectClose(lossOf('deit_hard', {}, 'logits', { logits: tf.mul(teacher, 100) })(student), value);
});

test('has the gradient of differences, and leaves nothing behind', () => {
  const f = lossOf('deit_hard', {}, 'logits', { logits: sample([3, 4], 1) });
  expectGradient(f, [sample([3, 4])]);
  const x = sample([3, 4]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(x)));
});

test('needs the same classes on both sides, and is not 0 between equal networks', () => {
  expect(bound('deit_hard', {}, { logits: [3] }, { logits: [3] }).matching).toBe(false);
  expect(thrown(() => bound('deit_hard', {}, { logits: [3] }, { logits: [4] }))).toMatchObject({
    name: 'TapError',
    message: 'the student has 3 classes, the teacher 4',
  });
});
