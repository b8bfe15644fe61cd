import { initialValues, run, startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, sample } from '@distillery/engine/testing';
import { atStart, bound, lossOfTaps, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const taps = ['stage1', 'stage2'];

test('by hand: relations (3.5, 1) against (1, 1)', () => {
  const teacher = { stage1: tf.ones([1, 1, 2, 1]), stage2: tf.ones([1, 1, 2, 2]) };
  const f = lossOfTaps('fsp', {}, taps, teacher);
  const [first, second] = [tf.tensor([1, 2], [1, 1, 2, 1]), tf.tensor([1, 0, 3, 1], [1, 1, 2, 2])];
  expectClose(f(first, second), [(2.5 ** 2 + 0) / 2]);
  // dG = (2.5, 0), halved twice: by the mean over G, doubled by the square, and by h·w.
  const [ofFirst, ofSecond] = tf.grads(f)([first, second]);
  expectClose(ofFirst, [1.25 * 1, 1.25 * 3]);
  expectClose(ofSecond, [1.25, 0, 2.5, 0]);
});

test('the larger of two neighbours is pooled', () => {
  const ones = { stage1: tf.ones([1, 1, 1, 1]), stage2: tf.ones([1, 1, 1, 1]) };
  const f = lossOfTaps('fsp', {}, taps, ones);
  const [large, small] = [tf.tensor([1, 2, 3, 6], [1, 2, 2, 1]), tf.tensor([2], [1, 1, 1, 1])];
  expectClose(f(large, small), [(3 * 2 - 1) ** 2]);
  expectClose(f(small, large), [(3 * 2 - 1) ** 2]);
});

test('is the sum over neighbours', () => {
  const map = (value: number) => tf.tensor([value], [1, 1, 1, 1]);
  const f = lossOfTaps('fsp', {}, ['a', 'b', 'c'], { x: map(1), y: map(1), z: map(1) });
  expectClose(f(map(2), map(3), map(4)), [(6 - 1) ** 2 + (12 - 1) ** 2]);
});

test('a trained projector adapts the channels where they differ', () => {
  const student = { stage1: [4, 4, 3], stage2: [2, 2, 4] };
  const teacher = { stage1: [6, 6, 3], stage2: [3, 3, 5] };
  const term = bound('fsp', {}, student, teacher);
  expect(term.matching).toBe(false);
  expect(Object.keys(term.auxiliary)).toEqual(['projector2']);
  const { forward, inputShape } = term.auxiliary.projector2;
  const plan = trace(forward, inputShape);
  expect(plan.outputShape).toEqual([2, 2, 5]);
  expect(plan.parameters.map(({ name, shape }) => [name, shape])).toEqual([
    ['conv.weight', [1, 1, 4, 5]],
    ['conv.bias', [5]],
  ]);
  tf.tidy(() => {
    const constants = { stage1: sample([2, 6, 6, 3], 3), stage2: sample([2, 3, 3, 5], 4) };
    const f = (a: tf.Tensor, b: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
      term.loss({
        student: { stage1: a, stage2: b },
        teacher: constants,
        labels: tf.tensor1d([], 'int32'),
        indices: tf.tensor1d([], 'int32'),
        classes: 0,
        at: atStart,
        auxiliary: (_, x) => run(forward, { 'conv.weight': weight, 'conv.bias': bias }, x).output,
      });
    const values = initialValues(plan.parameters, 3);
    const parameters = plan.parameters.map(({ name, shape }) => tf.tensor(values[name], shape));
    const x = [sample([2, 4, 4, 3]), sample([2, 2, 2, 4], 1), ...parameters];
    expectGradient(f, x, { tolerance: 1e-3 });
    const gradients = tf.grads(f)(x);
    for (const gradient of gradients) {
      expect(Math.max(...gradient.dataSync().map(Math.abs))).toBeGreaterThan(1e-3);
    }
  });
});

test('begins with the stem where both networks have one', () => {
  const stages = { stage1: [4, 4, 3], stage2: [2, 2, 3] };
  const whole = { stem: [4, 4, 3], ...stages };
  expect(bound('fsp', {}, whole, whole).student).toEqual(['stem', 'stage1', 'stage2']);
  expect(bound('fsp', {}, whole, stages).student).toEqual(['stage1', 'stage2']);
  // Terms that do not ask for it leave it out.
  expect(bound('attention', {}, whole, whole).student).toEqual(['stage1', 'stage2']);
});

test('needs two stages', () => {
  const one = { stage1: [4, 4, 3] };
  const error = thrown(() => bound('fsp', {}, { ...one, stage2: [2, 2, 3] }, one));
  expect(error).toMatchObject({ name: 'TapError', path: '/student', value: undefined });
  expect((error as Error).message).toMatch(/at least 2 stages.*stage1 \[4,4,3\].*stage1 \[4,4,3\]/);
  const two = { ...one, stage2: [2, 2, 3] };
  expect(thrown(() => bound('fsp', { teacher: 'stage1' }, two, two))).toMatchObject({
    path: '/teacher',
    value: 'stage1',
  });
});
