import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { bound, lossOfTaps, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const taps = ['queries1', 'keys1', 'values1'];
const layer = (shape: number[], phase: number) =>
  Object.fromEntries(taps.map((tap, i) => [tap, sample(shape, phase + i)]));
const shapes = (layers: number, shape: number[]) =>
  Object.fromEntries(
    Array.from({ length: layers }, (_, i) =>
      ['queries', 'keys', 'values'].map((part) => [`${part}${i + 1}`, shape]),
    ).flat(),
  ) as Record<string, number[]>;

/** The formula in float64: mean over samples, heads and tokens of Σ p·ln(p / q). */
function reference(student: tf.Tensor, teacher: tf.Tensor, heads: number): number {
  const relations = (x: tf.Tensor) =>
    (x.arraySync() as number[][][]).flatMap((tokens) =>
      Array.from({ length: heads }, (_, head) => {
        const width = tokens[0].length / heads;
        const own = tokens.map((token) => token.slice(head * width, (head + 1) * width));
        return own.map((a) => {
          const powers = own.map((b) =>
            Math.exp(a.reduce((sum, value, i) => sum + value * b[i], 0) / Math.sqrt(width)),
          );
          const sum = powers.reduce((total, power) => total + power);
          return powers.map((power) => power / sum);
        });
      }).flat(),
    );
  const [q, p] = [relations(student), relations(teacher)];
  const each = p.map((row, i) => row.reduce((sum, share, j) => sum + share * Math.log(share / q[i][j]), 0));
  return each.reduce((sum, value) => sum + value) / each.length;
}

test.each([1, 2, 4])('equals the formula with %i relation heads and different widths', (relationHeads) => {
  const teacher = layer([2, 3, 8], 1);
  const student = layer([2, 3, 4], 5);
  const expected = taps
    .map((tap) => reference(student[tap], teacher[tap], relationHeads))
    .reduce((a, b) => a + b);
  const f = lossOfTaps('minilm', { relationHeads }, taps, teacher);
  expectClose(f(...Object.values(student)), [expected]);
});

test('is 0 for equal layers and for a student with rotated vectors', () => {
  const teacher = layer([2, 3, 4], 1);
  const f = lossOfTaps('minilm', { relationHeads: 1 }, taps, teacher);
  expectClose(f(...Object.values(teacher)), [0]);
  // Relations are inner products: exchanging two axes keeps them.
  const turned = Object.values(teacher).map((x) => tf.gather(x, tf.tensor1d([2, 0, 3, 1], 'int32'), 2));
  expectClose(f(...turned), [0]);
});

test('has the gradient that finite differences give, and leaves no tensors behind', () => {
  const f = lossOfTaps('minilm', {}, taps, layer([2, 3, 6], 1));
  const x = Object.values(layer([2, 3, 4], 5));
  expectGradient(f, x);
  expectNoLeak(() => tf.tidy(() => tf.grads(f)(x)));
});

test('uses the last layers or those that are named, and up to 48 heads of a width of at least 8', () => {
  const bind = (options: object, width = 8) =>
    bound('minilm', options, shapes(2, [3, 4]), shapes(6, [3, width]));
  expect(bind({})).toMatchObject({
    student: ['queries2', 'keys2', 'values2'],
    teacher: ['queries6', 'keys6', 'values6'],
    matching: true,
  });
  expect(bind({ studentLayer: 1, teacherLayer: 5 })).toMatchObject({
    student: ['queries1', 'keys1', 'values1'],
    teacher: ['queries5', 'keys5', 'values5'],
  });
  const value = (options: object, width: number, own = 384) =>
    lossOfTaps(
      'minilm',
      options,
      taps,
      layer([2, 3, width], 1),
    )(...Object.values(layer([2, 3, own], 5))).dataSync()[0];
  expect(value({}, 768)).toBe(value({ relationHeads: 48 }, 768));
  expect(value({}, 768, 96)).toBe(value({ relationHeads: 12 }, 768, 96));
  expect(value({}, 768, 96)).not.toBe(value({ relationHeads: 6 }, 768, 96));
  // With widths 18 and 12, neither 2 nor 3 heads have a width of 8.
  expect(value({}, 18, 12)).toBe(value({ relationHeads: 1 }, 18, 12));
});

test('refuses heads that do not divide, missing layers and different numbers of tokens', () => {
  const refusal = (options: object, student = shapes(2, [3, 4]), teacher = shapes(3, [3, 6])) =>
    thrown(() => bound('minilm', options, student, teacher));
  expect(refusal({ relationHeads: 4 })).toMatchObject({
    name: 'TapError',
    path: '/relationHeads',
    value: 4,
    allowed: [1, 2],
    message: "4 relation heads do not divide the student's width 4 and the teacher's 6",
  });
  expect(refusal({ teacherLayer: 4 })).toMatchObject({
    path: '/teacherLayer',
    message: 'the teacher has no layer 4',
    allowed: [1, 2, 3],
  });
  expect(refusal({}, { logits: [3] })).toMatchObject({
    path: '/studentLayer',
    message: 'the student is not a transformer: it has no taps queries1, queries2…',
  });
  expect(refusal({}, undefined, shapes(1, [5, 4]))).toMatchObject({
    message: "the student's queries2 [3,4] and the teacher's queries1 [5,4] differ in the number of tokens",
  });
});
