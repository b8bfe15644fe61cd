import { startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { expectTrains, trained } from '../testing/auxiliaries.ts';
import { bound, lossOf } from '../testing/terms.ts';

beforeAll(() => startEngine());

test('by hand: states of equal width are compared directly by squared error', () => {
  const teacher = tf.tensor([1, 2, 3, 4], [1, 2, 2]);
  const student = tf.tensor([1, 0, 4, 4], [1, 2, 2]);
  const f = lossOf('hidden_states', {}, 'hidden1', { hidden1: teacher });
  expectClose(f(student), [(4 + 1) / 4]);
  expectClose(tf.grad(f)(student), [0, -1, 0.5, 0]);
  const { matching, auxiliary } = bound('hidden_states', {}, { hidden1: [2, 2] }, { hidden1: [2, 2] });
  expect([matching, Object.keys(auxiliary)]).toEqual([true, []]);
});

test('through a trained linear layer of each pair where widths differ', () => {
  const teacher = { hidden1: sample([3, 5, 6], 1), hidden2: sample([3, 5, 6], 2) };
  const student = { hidden1: [5, 4], hidden2: [5, 4] };
  const { term, loss, names, tensors } = trained('hidden_states', {}, { student, teacher });
  expect(term.matching).toBe(false);
  expect(names).toEqual([
    'projector1/linear.weight',
    'projector1/linear.bias',
    'projector2/linear.weight',
    'projector2/linear.bias',
  ]);
  expect(trace(term.auxiliary.projector2.forward, term.auxiliary.projector2.inputShape).outputShape).toEqual([
    5, 6,
  ]);
  const x = [sample([3, 5, 4], 3), sample([3, 5, 4], 4)];
  const expected = [0, 1].map((i) => {
    const [weight, bias] = tensors.slice(2 * i);
    const projected = tf.add(tf.matMul(tf.reshape(x[i], [15, 4]), weight), bias);
    const theirs = tf.reshape(teacher[`hidden${i + 1}` as 'hidden1'], [15, 6]);
    return tf.mean(tf.square(tf.sub(projected, theirs))).dataSync()[0];
  });
  expectClose(loss(...x, ...tensors), [expected[0] + expected[1]]);
});

test('only pairs of different widths get a projector', () => {
  const [student, teacher] = [
    { hidden1: [5, 4], other: [5, 6] },
    { hidden1: [5, 6], other: [5, 6] },
  ];
  const both = { student: ['hidden1', 'other'], teacher: ['hidden1', 'other'] };
  const { auxiliary, matching } = bound('hidden_states', both, student, teacher);
  expect([Object.keys(auxiliary), matching]).toEqual([['projector1'], false]);
});

test('student and projectors get the gradient that finite differences give', () => {
  const teacher = { hidden1: sample([3, 3, 3], 1), hidden2: sample([3, 3, 3], 2) };
  expectTrains('hidden_states', {}, { student: { hidden1: [3, 2], hidden2: [3, 2] }, teacher });
  const f = lossOf('hidden_states', {}, 'hidden1', { hidden1: teacher.hidden1 });
  expectGradient(f, [sample([3, 3, 3])]);
  const x = sample([3, 3, 3]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(x)));
});
