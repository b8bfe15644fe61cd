import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { bound, thrown } from '../testing/terms.ts';
import { trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const student = { a: [2], b: [1, 2], c: [3], d: [4] };
const teacher = { b: [1, 2], a: [2], c: [4], e: [4] };

/** The loss as a function of the student's `a` and `b`. */
function lossTo(constants: Record<string, tf.Tensor>) {
  return (a: tf.Tensor, b: tf.Tensor) => {
    const batch = { studentParameters: { a, b }, teacherParameters: constants };
    return trained(
      'weights',
      {},
      { student: {}, teacher: {}, parameters: { student, teacher }, batch },
    ).loss();
  };
}

test('reads the parameters of equal name and shape', () => {
  expect(bound('weights', {}, {}, {}, { student, teacher })).toMatchObject({
    student: [],
    teacher: [],
    studentParameters: ['a', 'b'],
    teacherParameters: ['a', 'b'],
    matching: true,
    auxiliary: {},
  });
});

test('by hand: the mean over every number of these parameters', () => {
  const f = lossTo({ a: tf.tensor1d([1, 2]), b: tf.tensor2d([[3, 4]]) });
  const [a, b] = [tf.tensor1d([1, 4]), tf.tensor2d([[0, 5]])];
  expectClose(f(a, b), [(0 + 4 + 9 + 1) / 4]);
  const [ofA, ofB] = tf.grads(f)([a, b]);
  expectClose(ofA, [0, 1]);
  expectClose(ofB, [-1.5, 0.5]);
});

test('is 0 for equal weights, has the gradient that finite differences give, and leaves no tensors behind', () => {
  const constants = { a: sample([2], 1), b: sample([1, 2], 3) };
  const f = lossTo(constants);
  expectClose(f(constants.a, constants.b), [0]);
  const x = [sample([2]), sample([1, 2], 2)];
  expectGradient(f, x);
  expectNoLeak(() => tf.tidy(() => tf.grads(f)(x)));
});

test('refuses networks without common parameters', () => {
  const parameters = { student: { a: [2], b: [3] }, teacher: { a: [3], c: [2] } };
  expect(thrown(() => bound('weights', {}, {}, {}, parameters))).toMatchObject({
    name: 'TapError',
    path: '',
    message: 'no parameter of the student has the same name and shape as a parameter of the teacher',
  });
});
