import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectNoLeak } from '@distillery/engine/testing';
import { trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const [s, t] = [
  [1, -2, 0.5, 2, 0, -1],
  [3, 0.2, -1, 1, -2, 2],
];

/** The loss in float64, for two samples of three classes. */
function reference(theta: number, student = s, range = 20): number {
  const T = 1 + range / (1 + Math.exp(-theta));
  const softened = (z: number[]) => {
    const powers = z.map((value) => Math.exp(value / T));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  };
  const rows = (z: number[]) => [z.slice(0, 3), z.slice(3)].map(softened);
  const [ours, theirs] = [rows(student), rows(t)];
  const divergence = theirs.flat().reduce((sum, p, i) => sum + p * Math.log(p / ours.flat()[i]), 0);
  return (T * T * divergence) / 2;
}

const difference = (f: (by: number) => number) => (f(1e-4) - f(-1e-4)) / 2e-4;

function setting(options: object = {}) {
  const teacher = { logits: tf.tensor2d(t, [2, 3]) };
  return trained('curriculum_temperature', options, { student: { logits: [3] }, teacher });
}

const logits = () => tf.tensor2d(s, [2, 3]);

test('is the soft target at a temperature that starts at minimum + range·sigmoid(1)', () => {
  const { loss, names, tensors, term } = setting();
  expect(names).toEqual(['temperature/theta']);
  expect(term.matching).toBe(true);
  expectClose(loss(logits(), ...tensors), [reference(1)]);
  expectClose(loss(logits(), tf.tensor1d([-2])), [reference(-2)]);
  expectClose(loss(tf.tensor2d(t, [2, 3]), ...tensors), [0]);
});

test('the student descends and θ ascends by λ times its gradient', () => {
  for (const [options, lambda] of [
    [{ range: 4 }, 0.02],
    [{ range: 4, adversity: 0.5 }, 0.5],
  ] as const) {
    const { loss, tensors } = setting(options);
    const [byLogits, byTheta] = tf.grads((...x) => loss(...x))([logits(), ...tensors]);
    const differences = s.map((_, i) =>
      difference((by) =>
        reference(
          1,
          s.map((value, j) => (i === j ? value + by : value)),
          4,
        ),
      ),
    );
    expectClose(byLogits, differences, { relative: 2e-3, absolute: 1e-4 });
    const slope = difference((by) => reference(1 + by, s, 4));
    expect(Math.abs(slope)).toBeGreaterThan(0.01);
    expectClose(byTheta, [-lambda * slope], { relative: 1e-2, absolute: 1e-6 });
  }
});

test('leaves no tensors behind', () => {
  const { loss, tensors } = setting();
  const x = [logits(), ...tensors];
  expectNoLeak(() => tf.tidy(() => tf.grads((...y) => loss(...y))(x)));
});
