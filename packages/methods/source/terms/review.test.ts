import { startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { hierarchicalContext } from './review.ts';
import { bound, lossOf, lossOfTaps } from '../testing/terms.ts';
import { expectTrains, trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

test('hierarchical context by hand: a map of 2×2 as it is and pooled to 1', () => {
  const [s, t] = [
    [1, 2, 3, 6],
    [0, 0, 0, 0],
  ].map((values) => tf.tensor4d(values, [1, 2, 2, 1]));
  expectClose(hierarchicalContext(s, t), [((1 + 4 + 9 + 36) / 4 + 9 / 2) / 1.5]);
});

test('hierarchical context: weights ½, ¼, ⅛ of sizes 4, 2, 1', () => {
  // Of a map of equal values every size gives the same.
  const ones = tf.ones<tf.Rank.R4>([1, 8, 8, 1]);
  expectClose(hierarchicalContext(ones, tf.zerosLike(ones)), [1]);
  // Rows of 1 and −1 in turn: from size 4 on they cancel out.
  const rows = tf.tensor4d(
    Array.from({ length: 64 }, (_, i) => (Math.floor(i / 8) % 2 === 0 ? 1 : -1)),
    [1, 8, 8, 1],
  );
  expectClose(hierarchicalContext(rows, tf.zerosLike(rows)), [1 / (1 + 1 / 2 + 1 / 4 + 1 / 8)]);
});

test('the last stage is not fused', () => {
  const same = { auxiliary: (_name: string, x: tf.Tensor) => x };
  const f = lossOf('review', {}, 'x', { x: tf.tensor([3], [1, 1, 1, 1]) }, same);
  expectClose(f(tf.tensor([5], [1, 1, 1, 1])), [4]);
});

test('an earlier stage is mixed with the enlarged later one, weighted by attention', () => {
  const auxiliary = (name: string, x: tf.Tensor) => {
    if (name !== 'attention1') return x;
    expect(x.shape).toEqual([1, 2, 2, 2]);
    // sigmoid: ¾ of the map itself, ¼ of the later one.
    const [own, later] = [Math.log(3), -Math.log(3)];
    return tf.tile(tf.tensor([own, later], [1, 1, 1, 2]), [1, 2, 2, 1]);
  };
  const teacher = { x: tf.zeros([1, 2, 2, 1]), y: tf.zeros([1, 1, 1, 1]) };
  const f = lossOfTaps('review', {}, ['x', 'y'], teacher, { auxiliary });
  const [x, y] = [tf.tensor([4, 8, 0, -4], [1, 2, 2, 1]), tf.tensor([4], [1, 1, 1, 1])];
  // ¾x + ¼·4 = 4, 7, 1, −2, their mean 2.5.
  const first = ((16 + 49 + 1 + 4) / 4 + 2.5 ** 2 / 2) / 1.5;
  expectClose(f(x, y), [first + 16]);
});

test("with different sizes, fusion uses the student's and comparison the teacher's", () => {
  const student = { a: [4, 4, 3], b: [2, 2, 6] };
  const term = bound('review', { width: 5 }, student, { a: [8, 6, 2], b: [3, 3, 4] });
  const shapes = Object.entries(term.auxiliary).map(([name, { forward, inputShape }]) => [
    name,
    inputShape,
    trace(forward, inputShape).outputShape,
  ]);
  expect(shapes).toEqual([
    ['reduce1', [4, 4, 3], [4, 4, 5]],
    ['attention1', [4, 4, 10], [4, 4, 2]],
    ['expand1', [8, 6, 5], [8, 6, 2]],
    ['reduce2', [2, 2, 6], [2, 2, 5]],
    ['expand2', [3, 3, 5], [3, 3, 4]],
  ]);
  // By default as wide as the student's last map.
  expect(bound('review', {}, student, { a: [8, 6, 2], b: [3, 3, 4] }).auxiliary.expand2.inputShape).toEqual([
    3, 3, 6,
  ]);
});

test('reads maps before ReLU and the features, unless maps are named', () => {
  const taps = { stage1_pre: [4, 4, 3], stage1: [4, 4, 3], features: [3] };
  expect(bound('review', {}, taps, taps)).toMatchObject({
    student: ['stage1_pre', 'features'],
    teacher: ['stage1_pre', 'features'],
    auxiliary: { reduce2: { inputShape: [1, 1, 3] }, expand2: { inputShape: [1, 1, 3] } },
  });
  expect(bound('review', { student: 'stage1' }, taps, taps).student).toEqual(['stage1']);
  // The features of one pixel are compared as they are.
  const teacher = { stage1: tf.zeros([1, 1, 1, 2]), features: tf.zeros([1, 2]) };
  const f = lossOfTaps('review', { width: 2 }, ['stage1', 'features'], teacher, {
    auxiliary: (name, x) => (name === 'attention1' ? tf.fill([1, 1, 1, 2], -100) : x),
  });
  expectClose(f(tf.tensor([1, 3], [1, 1, 1, 2]), tf.tensor([2, 4], [1, 2])), [(4 + 16) / 2]);
});

test('every network is trained, with the gradient that finite differences give', () => {
  const student = { stage1: [3, 3, 2], stage2: [2, 2, 2] };
  const teacher = { stage1: sample([3, 4, 3, 2], 1), stage2: sample([3, 2, 1, 3], 3) };
  expect(trained('review', {}, { student, teacher }).term.matching).toBe(false);
  expectTrains('review', {}, { student, teacher }, { step: 2 ** -8, tolerance: 2e-2 });
});
