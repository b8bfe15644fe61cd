import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { terms } from './index.ts';
import { bound, lossOfTaps } from './testing/terms.ts';

// Properties that every term must have, for each kind of taps.

beforeAll(() => startEngine());

interface Case {
  type: string;
  options?: object;
  /** The shapes of a student's and a teacher's taps, without the batch. */
  student: Record<string, number[]>;
  teacher?: Record<string, number[]>;
}

const logits = { logits: [5] };
const vectors = { student: { features: [4] }, teacher: { features: [7] } };
const maps = {
  student: { stage1: [4, 3, 2], stage2: [3, 2, 3] },
  teacher: { stage1: [5, 3, 3], stage2: [2, 2, 2] },
};
const cases: Case[] = [
  { type: 'decoupled', student: logits },
  { type: 'decoupled', options: { temperature: 0.5, alpha: 2, beta: 0.25 }, student: logits },
  { type: 'dist', student: logits },
  { type: 'dist', options: { temperature: 3, beta: 0.5, gamma: 2 }, student: logits },
  ...[0, 0.1, 0.5, 1].map((beta) => ({ type: 'jensen_shannon', options: { beta }, student: logits })),
  { type: 'attention', ...maps },
  { type: 'nst', ...maps },
  {
    type: 'fsp',
    student: { stage1: [4, 3, 2], stage2: [3, 2, 3] },
    teacher: { stage1: [5, 2, 2], stage2: [2, 3, 3] },
  },
  { type: 'rkd_distance', ...vectors },
  { type: 'rkd_angle', ...vectors },
  { type: 'similarity', ...vectors },
  { type: 'similarity', student: { stage1: [2, 3, 2] }, teacher: { stage1: [3, 3, 1] } },
  { type: 'pkt', ...vectors },
  { type: 'correlation', student: { features: [4] } },
  {
    type: 'channel_wise',
    options: { temperature: 0.5 },
    student: { stage1: [4, 3, 2] },
    teacher: { stage1: [3, 5, 2] },
  },
  { type: 'overhaul', student: { stage1: [4, 3, 2] }, teacher: { stage1: [3, 5, 2] } },
  { type: 'multi_level', student: logits },
  { type: 'gradient', student: { input_gradient: [6] } },
];

/** These terms always have auxiliary networks, so their loss between equal networks may differ from 0. */
const throughNetworks = ['correlation', 'overhaul'];

const named = cases.map((each) => ({ ...each, name: `${each.type} ${JSON.stringify(each.options ?? {})}` }));

/** Returns the loss as a function of the student's taps. Auxiliary networks are the identity. */
function lossTo({ type, options = {}, student }: Case, teacher: Record<string, tf.Tensor>, batch: number) {
  return lossOfTaps(type, options, Object.keys(student), teacher, {
    labels: tf.tensor1d(
      Array.from({ length: batch }, (_, i) => (2 * i) % 5),
      'int32',
    ),
    auxiliary: (_, x) => x,
  });
}

type Fill = (shape: number[], phase: number) => tf.Tensor;

const filled = (shapes: Record<string, number[]>, batch: number, phase: number, fill: Fill = sample) =>
  Object.fromEntries(
    Object.entries(shapes).map(([tap, shape], i) => [tap, fill([batch, ...shape], 2 * i + phase)]),
  );

const largest = (x: tf.Tensor) => Math.max(...x.dataSync().map(Math.abs));

describe.each(named)('$name', (each) => {
  const { student, teacher = student, type, options = {} } = each;

  test('is a scalar with the gradient that finite differences give', () => {
    tf.tidy(() => {
      const f = lossTo(each, filled(teacher, 4, 1), 4);
      const x = Object.values(filled(student, 4, 0));
      expect(f(...x).shape).toEqual([]);
      expect(f(...x).dataSync()[0]).toBeGreaterThan(0);
      // Some of these losses are tiny: scale the largest derivative to 1, so that the tolerance is meaningful.
      const steepest = Math.max(...tf.grads(f)(x).map(largest));
      expect(steepest).toBeGreaterThan(1e-6);
      expectGradient((...y) => tf.div(f(...y), steepest), x, { step: 2 ** -8 });
    });
  });

  test('leaves no tensors behind', () => {
    const x = Object.values(filled(student, 4, 0));
    const f = lossTo(each, filled(teacher, 4, 1), 4);
    expectNoLeak(() => tf.tidy(() => tf.grads(f)(x)));
  });

  test.each([1, 2, 3, 6])('is 0, without gradient, between equal taps of %i samples', (batch) => {
    tf.tidy(() => {
      const taps = filled(student, batch, 0);
      const f = lossTo(each, taps, batch);
      expectClose(f(...Object.values(taps)), [0], { absolute: 3e-6 });
      for (const gradient of tf.grads(f)(Object.values(taps))) {
        expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
        expect(largest(gradient)).toBeLessThan(1e-5);
      }
    });
    expect(bound(type, options, student, student).matching).toBe(!throughNetworks.includes(type));
  });

  const fills: Record<string, Fill> = {
    zeros: (shape) => tf.zeros(shape),
    'equal samples': ([batch, ...shape], phase) =>
      tf.tile(sample([1, ...shape], phase), [batch, ...shape.map(() => 1)]),
    'one sample alone is not 0': ([batch, ...shape], phase) =>
      tf.concat([sample([1, ...shape], phase), tf.zeros([batch - 1, ...shape])]),
    'equal elements': (shape) => tf.ones(shape),
    'huge numbers': (shape, phase) => tf.mul(sample(shape, phase), 1000),
    'tiny numbers': (shape, phase) => tf.mul(sample(shape, phase), 1e-7),
    usual: sample,
  };

  test.each(Object.keys(fills))('is not NaN for: %s', (ours) => {
    for (const theirs of ['usual', 'zeros', ours]) {
      for (const batch of [1, 2, 5]) {
        const label = `teacher: ${theirs}; batch ${batch}`;
        tf.tidy(() => {
          const f = lossTo(each, filled(teacher, batch, 1, fills[theirs]), batch);
          const x = Object.values(filled(student, batch, 0, fills[ours]));
          const value = f(...x).dataSync()[0];
          expect(Number.isFinite(value), label).toBe(true);
          expect(value, label).toBeGreaterThan(-1e-5);
          for (const gradient of tf.grads(f)(x)) {
            expect(gradient.dataSync().every(Number.isFinite), label).toBe(true);
          }
        });
      }
    }
  });
});

test.each([
  ['rkd_distance', 1],
  ['rkd_angle', 1],
  ['rkd_angle', 2],
  ['correlation', 1],
])('%s of a batch of %i has nothing to compare: exactly 0, without gradient', (type, batch) => {
  const f = lossTo({ type, student: { features: [3] } }, { features: sample([batch, 3], 1) }, batch);
  const x = tf.fill([batch, 3], Number.POSITIVE_INFINITY);
  expect([...f(x).dataSync()]).toEqual([0]);
  expect([...tf.grad(f)(x).dataSync()]).toEqual(Array.from({ length: 3 * batch }, () => 0));
});

test('every term without a test file of its own is tested here', () => {
  const own = [
    'cross_entropy',
    'soft_target',
    'cosine',
    'hint',
    'activation_boundary',
    'variational',
    'review',
    'masked_generation',
    'deit_hard',
    'softmax_regression',
    'weights',
    'factor',
    'curriculum_temperature',
    'contrastive',
    'classifier_reuse',
    'attention_heads',
    'hidden_states',
    'minilm',
  ];
  expect([...new Set([...own, ...cases.map(({ type }) => type)])].sort()).toEqual(
    terms.list.map(({ type }) => type).sort(),
  );
});
