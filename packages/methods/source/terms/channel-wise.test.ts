import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, sample } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';
import { trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const { log } = Math;

test('by hand: (½, ½) against (¾, ¼) in one channel, equal in the other', () => {
  const teacher = { x: tf.tensor([0, 7, 0, 7], [1, 1, 2, 2]) };
  const f = lossOf('channel_wise', { temperature: 1 }, 'x', teacher);
  const student = tf.tensor([log(3), 1, 0, 1], [1, 1, 2, 2]);
  expectClose(f(student), [(0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25)) / 2]);
  // Over the channels: q − p, halved by their mean.
  expectClose(tf.grad(f)(student), [0.125, 0, -0.125, 0]);
});

test('times T²', () => {
  const [s, t] = [sample([2, 3, 2, 2]), sample([2, 3, 2, 2], 1)];
  const once = lossOf('channel_wise', { temperature: 1 }, 'x', { x: t })(s).dataSync()[0];
  const doubled = lossOf('channel_wise', { temperature: 2 }, 'x', { x: tf.mul(t, 2) });
  expectClose(doubled(tf.mul(s, 2)), [4 * once]);
});

test('a constant added to a channel does not change the loss', () => {
  const t = sample([2, 3, 2, 2]);
  const f = lossOf('channel_wise', {}, 'x', { x: t });
  expectClose(f(tf.add(t, tf.tensor1d([5, -3]))), [0]);
});

test('a trained projector adapts the channels where they differ', () => {
  const student = { x: [3, 3, 2] };
  const teacher = { x: sample([3, 4, 3, 3], 1) };
  const { term, names, loss, tensors } = trained('channel_wise', {}, { student, teacher });
  expect(term.matching).toBe(false);
  expect(names).toEqual(['projector/conv.weight', 'projector/conv.bias']);
  const [weight, bias] = tensors;
  const x = sample([3, 3, 3, 2]);
  const f = (y: tf.Tensor, w: tf.Tensor) => loss(y, w, bias);
  expectGradient(f, [x, weight]);
  for (const gradient of tf.grads(f)([x, weight])) {
    expect(Math.max(...gradient.dataSync().map(Math.abs))).toBeGreaterThan(1e-3);
  }
  // A bias adds a constant to a channel, which does not change the loss.
  expectClose(tf.grad((b: tf.Tensor) => loss(x, weight, b))(bias), [0, 0, 0]);
});

test('refuses a tap that is not a map', () => {
  expect(
    thrown(() => bound('channel_wise', { student: 'f' }, { x: [2, 2, 3], f: [4] }, { x: [2, 2, 3] })),
  ).toMatchObject({ name: 'TapError', path: '/student', value: 'f', allowed: ['x'] });
});
