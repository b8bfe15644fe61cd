import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOf, lossOfTaps } from '../testing/terms.ts';
import { expectTrains, trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const line = (values: number[]) => tf.tensor(values, [1, 1, values.length, 1]);

test('by hand: active and inactive, right by the margin, right by less, and wrong', () => {
  const f = lossOf('activation_boundary', {}, 'x', { x: line([5, 5, 5, -5, -5, 0]) });
  const student = line([2, 0.5, -1, -2, -0.5, 1]);
  // 1 − 0.5, 1 + 1 where the teacher is active; −0.5 + 1, 1 + 1 where it is not; 0 is inactive.
  expectClose(f(student), [(3 / 1000) * (0.25 + 4 + 0.25 + 4)]);
  expectClose(
    tf.grad(f)(student),
    [0, -1, -4, 0, 1, 4].map((slope) => (3 / 1000) * slope),
  );
});

test('the margin is an option', () => {
  const f = lossOf('activation_boundary', { margin: 3 }, 'x', { x: line([1, -1]) });
  expectClose(f(line([2, -5])), [(3 / 1000) * 1]);
});

test('an earlier stage counts half as much as the next, and the loss is averaged over the batch', () => {
  const two = (value: number) => tf.fill([2, 1, 1, 1], value);
  const f = lossOfTaps('activation_boundary', {}, ['a', 'b', 'c'], { a: two(1), b: two(1), c: two(1) });
  // Hinges of 1, 2 and 3.
  expectClose(f(two(0), two(-1), two(-2)), [(3 / 1000) * (1 / 4 + 4 / 2 + 9)]);
});

test('a larger map of the teacher is pooled before its signs are used', () => {
  const teacher = { x: tf.tensor([3, -1, -3, 1], [1, 1, 4, 1]) };
  const f = lossOf('activation_boundary', {}, 'x', teacher);
  expectClose(f(line([0, 0])), [(3 / 1000) * 2]);
  expectClose(f(line([1, -1])), [0]);
});

test('the student gets the gradient that finite differences give, through a connector where the channels differ', () => {
  const student = { stage1: [3, 3, 2], stage2: [4, 2, 3] };
  const teacher = { stage1: sample([3, 3, 4, 4], 1), stage2: sample([3, 2, 2, 3], 3) };
  const { term, names } = trained('activation_boundary', {}, { student, teacher });
  expect(term.matching).toBe(false);
  expect(Object.entries(term.auxiliary).map(([name, { inputShape }]) => [name, inputShape])).toEqual([
    ['connector1', [3, 3, 2]],
  ]);
  expect(names).toEqual(['connector1/conv.weight', 'connector1/bn.weight', 'connector1/bn.bias']);
  expectTrains('activation_boundary', {}, { student, teacher }, { step: 2 ** -9, tolerance: 2e-2 });
});

test('maps before the activation are used where both networks have them', () => {
  const plain = { stage1: [4, 4, 2], stage2: [2, 2, 2] };
  const both = { stage1_pre: [4, 4, 2], stage1: [4, 4, 2], stage2_pre: [2, 2, 2], stage2: [2, 2, 2] };
  expect(bound('activation_boundary', {}, both, both)).toMatchObject({
    student: ['stage1_pre', 'stage2_pre'],
    teacher: ['stage1_pre', 'stage2_pre'],
  });
  expect(bound('activation_boundary', {}, both, plain)).toMatchObject({
    student: ['stage1', 'stage2'],
    teacher: ['stage1', 'stage2'],
  });
});
