import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

/** Returns logits that give these probabilities. */
const logits = (rows: number[][], temperature = 1) =>
  tf.tensor(rows.map((row) => row.map((p) => temperature * Math.log(p))));
const loss = (options: object, teacher: tf.Tensor) => lossOf('dist', options, 'logits', { logits: teacher });

const student = [
  [0.75, 0.25],
  [0.6, 0.4],
];
const teacher = [
  [0.9, 0.1],
  [0.3, 0.7],
];

test.each([1, 4])('two by two by hand, where every correlation is 1 or −1, T = %d', (temperature) => {
  // The first sample agrees, the second does not; both classes fall from the first sample to the second.
  const f = (options: object) =>
    loss({ temperature, ...options }, logits(teacher, temperature))(logits(student, temperature));
  const squared = temperature ** 2;
  expectClose(f({ beta: 3, gamma: 5 }), [squared * 3]);
  // Of (0.7, 0.3) below, the classes rise.
  const other = logits([student[0], [0.8, 0.2]], temperature);
  expectClose(loss({ temperature, beta: 3, gamma: 5 }, logits(teacher, temperature))(other), [
    squared * (3 * 1 + 5 * 2),
  ]);
});

test('three classes by hand', () => {
  // Centred: (1, 0, −1)/10 times 3 and (−1, 2, −1)/30 times 3: at right angles; then (2, −1, −1): r = 3/√12.
  const s = logits([[13 / 30, 10 / 30, 7 / 30]]);
  expectClose(loss({ gamma: 0 }, logits([[0.3, 0.4, 0.3]]))(s), [1]);
  expectClose(loss({ gamma: 0 }, logits([[0.6, 0.2, 0.2]]))(s), [1 - 3 / Math.sqrt(12)]);
});

test('predictions that do not vary: 0 between two such sides, 1 against one that varies', () => {
  const even = [0.5, 0.5];
  const f = loss({ beta: 3, gamma: 5 }, logits([even, even]));
  expectClose(f(logits([even, even])), [0]);
  expectClose(f(logits(student)), [3 + 5]);
  // A batch of one has no correlation over the batch.
  expectClose(loss({ beta: 3, gamma: 5 }, logits([teacher[1]]))(logits([student[0]])), [3 * 2]);
});

test('needs equal numbers of classes', () => {
  expect(thrown(() => bound('dist', {}, { logits: [3] }, { logits: [4] }))).toMatchObject({
    name: 'TapError',
    message: 'the student has 3 classes and the teacher 4: both must have the same',
  });
});
