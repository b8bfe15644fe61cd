import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const { log } = Math;
const loss = (options: object, teacher: number[][]) =>
  lossOf('jensen_shannon', options, 'logits', { logits: tf.tensor(teacher) });

/** Computes KL of two distributions over two classes, in float64. */
const kl = ([a, b]: number[], [c, d]: number[]) => a * log(a / c) + b * log(b / d);

test.each([0, 0.25, 0.5, 0.9, 1])('by hand: (3/4, 1/4) and (1/2, 1/2), β = %d', (beta) => {
  const [t, s] = [
    [0.75, 0.25],
    [0.5, 0.5],
  ];
  const m = t.map((p, k) => beta * p + (1 - beta) * s[k]);
  const ends: Record<number, number> = { 0: kl(t, s), 1: kl(s, t) };
  const expected = ends[beta] ?? beta * kl(t, m) + (1 - beta) * kl(s, m);
  // Without a factor T².
  expectClose(loss({ beta, temperature: 2 }, [[2 * log(3), 0]])(tf.tensor([[7, 7]])), [expected]);
});

test('two certain, opposite sides have the loss ln 2, without gradient', () => {
  const f = loss({}, [[-1e6, 1e6]]);
  const student = tf.tensor([[1e6, -1e6]]);
  expectClose(f(student), [log(2)]);
  expectClose(tf.grad(f)(student), [0, 0]);
});

test('divided by β it tends to KL(t ‖ s) for small β', () => {
  const [teacher, student] = [[[1, -0.5, 0.25]], tf.tensor([[0, 1, -1]])];
  const near = loss({ beta: 1e-4 }, teacher)(student).dataSync()[0] / 1e-4;
  expectClose([near], loss({ beta: 0 }, teacher)(student).dataSync(), { relative: 5e-3 });
});

test('needs equal numbers of classes', () => {
  expect(thrown(() => bound('jensen_shannon', {}, { logits: [3] }, { logits: [4] }))).toMatchObject({
    name: 'TapError',
    message: 'the student has 3 classes and the teacher 4: both must have the same',
  });
});
