import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const { log } = Math;
const loss = (options: object, teacher: number[][], labels: number[]) =>
  lossOf(
    'decoupled',
    options,
    'logits',
    { logits: tf.tensor(teacher) },
    { labels: tf.tensor1d(labels, 'int32') },
  );

test('by hand: (1/5, 3/5, 1/5) against (1/2, 1/4, 1/4), label 0', () => {
  const f = loss({ temperature: 1, alpha: 3, beta: 5 }, [[log(2), 0, 0]], [0]);
  const student = tf.tensor([[0, log(3), 0]]);
  const label = 0.5 * log(0.5 / 0.2) + 0.5 * log(0.5 / 0.8);
  const others = 0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25);
  expectClose(f(student), [3 * label + 5 * others]);
  // b_s − b_t, the second spread as q_s; and q_s − q_t.
  expectClose(tf.grad(f)(student), [3 * -0.3, 3 * 0.3 * 0.75 + 5 * 0.25, 3 * 0.3 * 0.25 - 5 * 0.25]);
});

test('times T²', () => {
  const [teacher, student] = [[[1, -2, 0.5, 0]], [[0.25, 1, -1, 2]]];
  const twice = (z: number[][]) => z.map((row) => row.map((value) => 2 * value));
  const once = loss({ temperature: 1 }, teacher, [2])(tf.tensor(student)).dataSync()[0];
  expectClose(loss({ temperature: 2 }, twice(teacher), [2])(tf.tensor(twice(student))), [4 * once]);
});

test('with β = 1 − p_y of the teacher it is the soft target', () => {
  const teacher = [[log(2), 0, log(5), log(2)]];
  const student = tf.tensor([[1, -1, 0.5, 2]]);
  const soft = lossOf('soft_target', { temperature: 1 }, 'logits', { logits: tf.tensor(teacher) })(student);
  expectClose(loss({ temperature: 1, beta: 0.5 }, teacher, [2])(student), soft.dataSync());
});

test('handles a teacher that is certain, right or wrong', () => {
  const student = tf.tensor([[0, 0, 0, 0]]);
  // b_t = (1, 0), the others equal: −ln p_y.
  expectClose(loss({ temperature: 1 }, [[1000, 0, 0, 0]], [0])(student), [log(4)]);
  // b_t = (0, 1), and q_t all on class 1: −ln(1 − p_y) − 8·ln q_1.
  const wrong = loss({ temperature: 1 }, [[0, 2000, 0, 0]], [0]);
  expectClose(wrong(student), [log(4 / 3) + 8 * log(3)]);
  expectClose(tf.grad(wrong)(student), [1 / 4, -1 / 12 - 16 / 3, -1 / 12 + 8 / 3, -1 / 12 + 8 / 3]);
  // A logit above the label's by far more than the 1000 of the reference.
  expectClose(loss({ temperature: 1, alpha: 0 }, [[1e6, 0, 0, 0]], [0])(student), [0]);
});

test('needs at least three classes, the same number on both sides', () => {
  const bind = (student: number, teacher: number) =>
    thrown(() => bound('decoupled', {}, { logits: [student] }, { logits: [teacher] }));
  expect(bind(2, 2)).toMatchObject({ name: 'TapError', path: '' });
  expect((bind(2, 2) as Error).message).toMatch(/at least 3 classes/);
  expect(bind(3, 4)).toMatchObject({
    name: 'TapError',
    message: 'the student has 3 classes and the teacher 4: both must have the same',
  });
});

test('a sample of two labels has the loss of each, by its share', () => {
  const teacher = [
    [log(2), 0, 0.5],
    [1, -1, 2],
  ];
  const student = tf.tensor([
    [0, log(3), 1],
    [0.5, 0.25, -2],
  ]);
  const [first, second, shares] = [
    [0, 2],
    [1, 2],
    [0.25, 0.7],
  ];
  const options = { alpha: 3, beta: 5 };
  const mixed = {
    labels: tf.tensor1d(second, 'int32'),
    shares: tf.tensor1d(shares),
  };
  const f = lossOf(
    'decoupled',
    options,
    'logits',
    { logits: tf.tensor(teacher) },
    {
      labels: tf.tensor1d(first, 'int32'),
      mixed,
    },
  );
  /** The loss of one sample with one label. */
  const alone = (sample: number, label: number) => {
    const row = tf.slice(student, [sample, 0], [1, 3]);
    return loss(options, [teacher[sample]], [label])(row).dataSync()[0];
  };
  const expected = [0, 1].map((i) => shares[i] * alone(i, first[i]) + (1 - shares[i]) * alone(i, second[i]));
  expectClose(f(student), [(expected[0] + expected[1]) / 2]);
  expectGradient(f, [student]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(student)));
});
