import { startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOfTaps } from '../testing/terms.ts';
import { expectTrains, trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const map = (values: number[], channels = 1) => tf.tensor(values, [1, 1, values.length / channels, channels]);

test('by hand: two channels, each with its variance', () => {
  // softplus(ln(e − 1)) = 1 and softplus(ln(e² − 1)) = 2.
  const alpha = tf.tensor1d([Math.log(Math.E - 1), Math.log(Math.E ** 2 - 1)]);
  const auxiliary = (name: string, x: tf.Tensor) => (name === 'variance1' ? alpha : x);
  const f = lossOfTaps('variational', {}, ['x'], { x: map([1, 2, 3, 4], 2) }, { auxiliary });
  // Differences (1, 0) in the first channel, (2, −2) in the second.
  expectClose(f(map([2, 4, 3, 2], 2)), [
    (1 / 1 + 0 + 4 / 2 + 4 / 2 + 2 * (Math.log(1) + Math.log(2))) / 4 / 2,
  ]);
});

test('the variance starts near 5', () => {
  const { loss, tensors } = trained(
    'variational',
    {},
    { student: { x: [1, 1, 1] }, teacher: { x: map([0]) } },
  );
  const softplus = Math.log(1 + Math.exp(5));
  // μ of 0 is 0: it has no bias.
  expectClose(loss(map([0]), ...tensors), [Math.log(softplus + 1e-5) / 2]);
});

test('is the sum over stages, pooled to the smaller', () => {
  const auxiliary = (name: string, x: tf.Tensor) => (name.startsWith('variance') ? tf.tensor1d([20]) : x);
  const f = lossOfTaps('variational', {}, ['x', 'y'], { x: map([1]), y: map([1, 3, 2, 2]) }, { auxiliary });
  // softplus(20) is 20 within 1e-8.
  expectClose(f(map([4]), map([1, 4])), [(9 + (1 + 4) / 2) / 20 / 2 + Math.log(20.00001)]);
});

test('μ and the variances are trained, with the gradient that finite differences give', () => {
  const student = { stage1: [3, 3, 2], stage2: [2, 2, 3] };
  const teacher = { stage1: sample([3, 4, 3, 4], 1), stage2: sample([3, 2, 2, 3], 3) };
  const term = bound('variational', {}, student, { stage1: [4, 3, 4], stage2: [2, 2, 3] });
  expect(term.matching).toBe(false);
  const plans = Object.entries(term.auxiliary).map(([name, { forward, inputShape }]) => {
    const plan = trace(forward, inputShape);
    return [name, plan.inputShape, plan.outputShape, plan.parameterCount];
  });
  expect(plans).toEqual([
    ['mean1', [3, 3, 2], [3, 3, 4], 2 * 4 + 4 * 4 + 4 * 4],
    ['variance1', [3, 3, 2], [4], 4],
    ['mean2', [2, 2, 3], [2, 2, 3], 3 * 9],
    ['variance2', [2, 2, 3], [3], 3],
  ]);
  expectTrains('variational', {}, { student, teacher }, { step: 2 ** -9, tolerance: 2e-2 });
});
