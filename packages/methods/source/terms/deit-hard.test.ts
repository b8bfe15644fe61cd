import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { atStart, bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

test('by hand: −ln of the probabilities of the classes that the teacher predicts', () => {
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

test('the certainty of the teacher does not matter', () => {
  const student = sample([3, 4]);
  const teacher = sample([3, 4], 1);
  const value = lossOf('deit_hard', {}, 'logits', { logits: teacher })(student).dataSync();
  expectClose(lossOf('deit_hard', {}, 'logits', { logits: tf.mul(teacher, 100) })(student), value);
});

test('has the gradient that finite differences give, and leaves no tensors behind', () => {
  const f = lossOf('deit_hard', {}, 'logits', { logits: sample([3, 4], 1) });
  expectGradient(f, [sample([3, 4])]);
  const x = sample([3, 4]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(x)));
});

test('uses the head on the distillation token if there is one', () => {
  const heads = { class: [3], distillation: [3], logits: [3], features: [8] };
  const of = (options: object) => bound('deit_hard', options, heads, { logits: [3] }).student;
  expect(of({})).toEqual(['distillation']);
  expect(of({ student: 'logits' })).toEqual(['logits']);
  expect(bound('cross_entropy', { student: 'class' }, heads, {}).student).toEqual(['class']);
  expect(bound('cross_entropy', {}, heads, {}).student).toEqual(['logits']);
  const [mean, own] = [sample([2, 3], 4), sample([2, 3])];
  const term = bound('deit_hard', {}, heads, { logits: [3] });
  const student = { class: mean, logits: mean, distillation: own };
  const teacher = { logits: sample([2, 3], 1) };
  const rest = {
    labels: tf.tensor1d([], 'int32'),
    indices: tf.tensor1d([], 'int32'),
    classes: 3,
    at: atStart,
    auxiliary: (_: string, x: tf.Tensor) => x,
  };
  expectClose(
    term.loss({ student, teacher, ...rest }),
    lossOf('deit_hard', {}, 'logits', teacher)(own).dataSync(),
  );
});

test('refuses a tap without one value for each class', () => {
  const heads = { features: [8], distillation: [3], logits: [3] };
  const refusal = (type: string, student: string) =>
    thrown(() => bound(type, { student }, heads, { logits: [3] }));
  for (const type of ['deit_hard', 'cross_entropy']) {
    expect(refusal(type, 'features')).toMatchObject({
      name: 'TapError',
      path: '/student',
      message: "the student's features [8] does not have one value for each of the 3 classes",
      allowed: ['distillation', 'logits'],
    });
    expect(refusal(type, 'head')).toMatchObject({ message: 'the student has no tap "head"' });
  }
});

test('needs the same number of classes on both sides, and is not 0 between equal networks', () => {
  expect(bound('deit_hard', {}, { logits: [3] }, { logits: [3] }).matching).toBe(false);
  expect(thrown(() => bound('deit_hard', {}, { logits: [3] }, { logits: [4] }))).toMatchObject({
    name: 'TapError',
    message: 'the student has 3 classes and the teacher 4: both must have the same',
  });
});
