import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { TapError, terms } from '../index.ts';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const loss = (options: object, teacher: tf.Tensor) =>
  lossOf('soft_target', options, 'logits', { logits: teacher });

/** The formula in float64. */
function reference(student: number[][], teacher: number[][], temperature: number, standardize = false) {
  const standard = (z: number[]) => {
    const mean = z.reduce((a, b) => a + b, 0) / z.length;
    const deviation = Math.sqrt(z.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (z.length - 1));
    return z.map((v) => (v - mean) / (deviation + 1e-7));
  };
  const soften = (z: number[]) => {
    const exps = (standardize ? standard(z) : z).map((v) => Math.exp(v / temperature));
    const sum = exps.reduce((a, b) => a + b, 0);
    return exps.map((v) => v / sum);
  };
  const rows = student.map((z, row) => {
    const [q, p] = [soften(z), soften(teacher[row])];
    return p.reduce((sum, value, k) => sum + value * Math.log(value / q[k]), 0);
  });
  return (temperature ** 2 * rows.reduce((a, b) => a + b, 0)) / rows.length;
}

test('two classes by hand: T²·KL of (3/4, 1/4) and (1/2, 1/2)', () => {
  // Logits 2·ln 3 and 0 at T = 2 are the probabilities 3/4 and 1/4.
  const teacher = tf.tensor([[2 * Math.log(3), 0]]);
  const student = tf.tensor([[5, 5]]);
  const kl = 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5);
  expectClose(loss({ temperature: 2 }, teacher)(student), [4 * kl]);
  // Its gradient is T·(q − p).
  expectClose(tf.grad(loss({ temperature: 2 }, teacher))(student), [2 * (0.5 - 0.75), 2 * (0.5 - 0.25)]);
});

test('sums over classes, averages over the batch', () => {
  const [student, teacher] = [tf.tensor([[1, 0, 0]]), tf.tensor([[0, 2, 0]])];
  const twice = (x: tf.Tensor) => tf.concat([x, x]);
  const once = loss({}, teacher)(student).dataSync();
  expectClose(loss({}, twice(teacher))(twice(student)), once);
});

describe.each([
  { temperature: 1 },
  { temperature: 2 },
  { temperature: 7.5 },
  { temperature: 2, standardize: true },
])('%j', (options) => {
  const student = [
    [1.5, -2, 0.25, 3],
    [0, 0.5, -0.5, 1],
    [-4, 2, 2, 0],
  ];
  const teacher = [
    [2, 0, 1, -1],
    [3, -3, 0.5, 0.25],
    [1, 1, 1, 0],
  ];

  test('equals the formula', () => {
    const expected = reference(student, teacher, options.temperature, options.standardize);
    expectClose(loss(options, tf.tensor(teacher))(tf.tensor(student)), [expected]);
  });

  test('has the gradient that finite differences give', () => {
    expectGradient(loss(options, tf.tensor(teacher)), [tf.tensor(student)]);
  });

  test('is 0, without gradient, between equal logits', () => {
    const x = tf.tensor(teacher);
    expectClose(loss(options, x)(x), [0], { absolute: 1e-6 });
    expectClose(tf.grad(loss(options, x))(x), new Float32Array(12), { absolute: 1e-6 });
  });

  test('leaves no tensors behind', () => {
    const [x, y] = [sample([3, 4]), sample([3, 4], 1)];
    expectNoLeak(() => tf.tidy(() => tf.grad(loss(options, y))(x)));
  });
});

test.each([1e-3, 0.1, 1, 1000])('logits of ±1000 are not NaN at temperature %d', (temperature) => {
  const student = tf.tensor([
    [1000, -1000, 0],
    [0, 0, 0],
    [-1000, 1000, 1000],
  ]);
  const teacher = tf.tensor([
    [-1000, 1000, 0],
    [1000, 0, -1000],
    [-1000, 1000, 1000],
  ]);
  for (const standardize of [false, true]) {
    const f = loss({ temperature, standardize }, teacher);
    expect(f(student).dataSync()[0]).toBeGreaterThan(0);
    expect(f(student).dataSync()[0]).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(tf.grad(f)(student).dataSync().every(Number.isFinite)).toBe(true);
  }
});

test('only differences of logits matter, and only their shape when standardised', () => {
  const [x, y] = [sample([3, 4]), sample([3, 4], 1)];
  expectClose(loss({}, y)(tf.add(x, 3)), loss({}, y)(x).dataSync());
  const f = loss({ standardize: true }, y);
  expectClose(f(tf.mul(x, 5)), f(x).dataSync());
});

test('the gradient keeps its size when the temperature changes', () => {
  const [x, y] = [tf.mul(sample([8, 10]), 2), tf.mul(sample([8, 10], 1), 2)];
  const norm = (temperature: number) => tf.norm(tf.grad(loss({ temperature }, y))(x)).dataSync()[0];
  expect(norm(40) / norm(20)).toBeGreaterThan(0.9);
  expect(norm(40) / norm(20)).toBeLessThan(1.1);
});

test('needs equal numbers of classes, and at least two to standardise', () => {
  const error = thrown(() => bound('soft_target', {}, { logits: [10] }, { logits: [12] }));
  expect(error).toBeInstanceOf(TapError);
  expect(error).toMatchObject({
    path: '',
    message: 'the student has 10 classes and the teacher 12: both must have the same',
  });
  expect(
    thrown(() => bound('soft_target', { standardize: true }, { logits: [1] }, { logits: [1] })),
  ).toMatchObject({ name: 'TapError', path: '/standardize', value: true });
});

test('reads the logits of both, trains nothing, and refuses a temperature that is not positive', () => {
  expect(bound('soft_target', {}, { logits: [3] }, { logits: [3] })).toMatchObject({
    student: ['logits'],
    teacher: ['logits'],
    matching: true,
    auxiliary: {},
  });
  for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(terms.schema.safeParse({ type: 'soft_target', temperature }).success).toBe(false);
  }
});
