import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { lossOf, lossOfTaps } from '../testing/terms.ts';

beforeAll(() => startEngine());

test('by hand: the mean of squared differences of the scores', () => {
  const teacher = tf.tensor([1, 2, 3, 4, 0, 0, 0, 0], [1, 2, 2, 2]);
  const student = tf.tensor([1, 1, 3, 2, 1, 0, 0, 2], [1, 2, 2, 2]);
  const f = lossOf('attention_heads', {}, 'attention1', { attention1: teacher });
  expectClose(f(student), [(1 + 4 + 1 + 4) / 8]);
  expectClose(tf.grad(f)(student), [0, -0.25, 0, -0.5, 0.25, 0, 0, 0.5]);
});

test('by hand: the means over heads are compared where their numbers differ', () => {
  const teacher = tf.tensor([1, 2, 3, 4, 3, 0, 1, 0], [1, 2, 2, 2]);
  // The teacher's mean: 2, 1, 2, 2
  const student = tf.tensor([2, 3, 2, 1], [1, 1, 2, 2]);
  const f = lossOf('attention_heads', {}, 'attention1', { attention1: teacher });
  expectClose(f(student), [(4 + 1) / 4]);
  expectClose(tf.grad(f)(student), [0, 1, 0, -0.5]);
});

test('sums over the pairs of layers', () => {
  const teacher = {
    attention1: sample([2, 2, 3, 3], 1),
    attention2: sample([2, 2, 3, 3], 2),
    attention3: sample([2, 2, 3, 3], 3),
    attention4: sample([2, 2, 3, 3], 4),
  };
  const x = [sample([2, 2, 3, 3], 5), sample([2, 2, 3, 3], 6)];
  const f = lossOfTaps('attention_heads', {}, ['attention1', 'attention2'], teacher);
  const alone = (i: number, tap: keyof typeof teacher) =>
    lossOf('attention_heads', {}, 'attention1', { attention1: teacher[tap] })(x[i]).dataSync()[0];
  expectClose(f(...x), [alone(0, 'attention2') + alone(1, 'attention4')]);
  expectClose(f(teacher.attention2, teacher.attention4), [0]);
});

test.each([2, 3])(
  'has the gradient that finite differences give against %i heads, and leaves no tensors behind',
  (heads) => {
    const teacher = { attention1: sample([2, heads, 3, 3], 1) };
    const f = lossOfTaps('attention_heads', {}, ['attention1', 'attention2'], teacher);
    const x = [sample([2, 2, 3, 3]), sample([2, 2, 3, 3], 2)];
    expectGradient(f, x);
    expectNoLeak(() => tf.tidy(() => tf.grads(f)(x)));
  },
);
