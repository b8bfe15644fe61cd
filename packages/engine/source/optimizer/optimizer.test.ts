import type { Optimizer as OptimizerSpec } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { hasKernels, isNative } from '../backends/native.ts';
import { startEngine } from '../backends/start.ts';
import { applyChanges } from './apply.ts';
import { clipByGlobalNorm } from './clip-by-global-norm.ts';
import { createOptimizer, openOptimizer, type Operations, transformsOf } from './optimizer.ts';
import { chain, eachChange, type Transform } from './transform.ts';
import { expectClose, sample } from '../testing/tensors.ts';

beforeAll(async () => {
  await startEngine();
});

const start = [0.5, -1.5, 2];
const gradients = [
  [0.1, -0.2, 0.3],
  [-0.4, 0.25, 0.05],
  [0.2, 0.2, -0.6],
];

/** Runs three steps and returns the parameter; checks that nothing leaks. */
function trajectory(transforms: readonly Transform[], rate: number): number[] {
  const before = tf.memory().numTensors;
  const variable = tf.variable(tf.tensor1d(start));
  const optimizer = openOptimizer(chain(...transforms), { w: variable });
  const during = tf.memory().numTensors;
  gradients.forEach((values, index) => {
    optimizer.apply({ w: tf.tensor1d(values) }, { rate, step: index + 1 });
    expect(tf.memory().numTensors).toBe(during);
  });
  const result = [...variable.dataSync()];
  optimizer.dispose();
  variable.dispose();
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 1);
  return result;
}

/** The same rules in float64, one number at a time, as PyTorch's documentation of torch.optim states them. */
function reference(spec: OptimizerSpec, rate: number): number[] {
  return start.map((p0, i) => {
    let [p, m, v] = [p0, 0, 0];
    gradients.forEach((values, index) => {
      let g = values[i];
      if (spec.type === 'adamw') p -= rate * spec.weightDecay * p;
      else g += spec.weightDecay * p;
      if (spec.type === 'sgd') {
        m = index === 0 ? g : spec.momentum * m + g;
        p -= rate * (spec.momentum === 0 ? g : spec.nesterov ? g + spec.momentum * m : m);
        return;
      }
      m = spec.beta1 * m + (1 - spec.beta1) * g;
      v = spec.beta2 * v + (1 - spec.beta2) * g * g;
      const mHat = m / (1 - spec.beta1 ** (index + 1));
      const vHat = v / (1 - spec.beta2 ** (index + 1));
      p -= (rate * mHat) / (Math.sqrt(vHat) + spec.epsilon);
    });
    return p;
  });
}

const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, learningRate: 0 };
const sgd = { type: 'sgd', learningRate: 0, weightDecay: 0, momentum: 0, nesterov: false } as const;

describe('update rules, out of small transforms and as single operations where the engine has them', () => {
  describe.each<[string, OptimizerSpec]>([
    ['adam', { type: 'adam', ...moments, weightDecay: 0 }],
    ['adam with L2', { type: 'adam', ...moments, weightDecay: 0.1 }],
    ['adam with a large epsilon', { type: 'adam', ...moments, epsilon: 0.1, weightDecay: 0 }],
    ['adamw', { type: 'adamw', ...moments, weightDecay: 0.1 }],
    ['sgd', sgd],
    ['sgd with momentum', { ...sgd, momentum: 0.9 }],
    ['sgd with nesterov and weight decay', { ...sgd, momentum: 0.9, nesterov: true, weightDecay: 0.05 }],
  ])('%s', (_name, spec) => {
    test.for<Operations>(['small', 'each', 'together'])('%s', (end, { skip }) => {
      if (end === 'each' && !isNative()) skip('this engine has no operations of TensorFlow');
      if (end === 'together' && !hasKernels()) skip('this engine has no kernels of the project');
      const expected = reference(spec, 0.05);
      const moved = trajectory(transformsOf(spec, end), 0.05);
      moved.forEach((value, index) => expect(value).toBeCloseTo(expected[index], 5));
    });
  });
});

test('transforms run in their order, and a number that one of them leaves to the end is multiplied in there', () => {
  const plusOne = eachChange((gradient) => tf.add(gradient, 1));
  const double = eachChange((gradient) => tf.mul(gradient, 2));
  const half: Transform = () => ({
    update: (update) => ({ ...update, scale: (step) => update.scale(step) / 2 }),
  });
  const [variable, first] = [tf.variable(tf.scalar(10)), tf.memory().numTensors];
  const one = openOptimizer(chain(plusOne, chain(double, half), applyChanges()), { w: variable });
  one.apply({ w: tf.scalar(3) }, { rate: 1, step: 1 });
  // 10 − (3 + 1)·2/2
  expect(variable.dataSync()[0]).toBe(6);
  expect(tf.memory().numTensors).toBe(first);
  one.dispose();
  variable.dispose();
});

test('gradients are clipped to their global norm, and leave nothing behind', () => {
  const variables = { a: tf.variable(tf.tensor1d([0])), b: tf.variable(tf.tensor1d([0, 0])) };
  const [a, b] = [variables.a, variables.b];
  const step = { rate: 1, step: 1 };
  const first = tf.memory().numTensors;
  const clipping = openOptimizer(chain(clipByGlobalNorm(1), applyChanges()), variables);
  // Of norm 5.
  clipping.apply({ a: tf.tensor1d([-3]), b: tf.tensor1d([0, -4]) }, step);
  expect(a.dataSync()[0]).toBeCloseTo(0.6, 5);
  expect(b.dataSync()[1]).toBeCloseTo(0.8, 5);
  clipping.apply({ a: tf.tensor1d([-0.3]), b: tf.tensor1d([0, 0]) }, step);
  expect(a.dataSync()[0]).toBeCloseTo(0.9, 5);
  expect(tf.memory().numTensors).toBe(first);

  // As a part of an optimizer: the plain step of the clipped gradient.
  const whole = createOptimizer(sgd, variables, 1);
  whole.apply({ a: tf.tensor1d([3]), b: tf.tensor1d([0, 4]) }, { rate: 0.5, step: 1 });
  expect(a.dataSync()[0]).toBeCloseTo(0.6, 5);
  expect(b.dataSync()[1]).toBeCloseTo(0.4, 5);
  whole.dispose();
  tf.dispose([a, b]);
});

test('one kernel moves parameters of all sizes as an operation for each does', ({ skip }) => {
  if (!hasKernels()) skip('this engine has no kernels of the project');
  // Small ones share a part, large ones take several.
  const shapes = [[1], [3, 3, 3, 16], [70_000], [16], [300, 200], [2]];
  const moved = (end: Operations, spec: OptimizerSpec) => {
    const variables = Object.fromEntries(
      shapes.map((shape, index) => [`w${index}`, tf.variable(sample(shape, index))]),
    );
    const optimizer = openOptimizer(chain(...transformsOf(spec, end)), variables);
    for (const step of [1, 2]) {
      const gradients = Object.fromEntries(
        shapes.map((shape, index) => [`w${index}`, sample(shape, 10 * step + index)]),
      );
      optimizer.apply(gradients, { rate: 0.05, step });
    }
    const values = [
      ...Object.values(variables).map((one) => one.dataSync()),
      ...Object.values(optimizer.read()),
    ];
    optimizer.dispose();
    tf.dispose(variables);
    return values;
  };
  for (const spec of [
    { type: 'adam', ...moments, weightDecay: 0 },
    { ...sgd, momentum: 0.9, nesterov: true },
    sgd,
  ] as const) {
    const expected = moved('each', spec);
    moved('together', spec).forEach((values, index) => expectClose(values, expected[index]));
  }
});

test('a state that was read and restored goes on to the same bits, also after the variable was assigned', () => {
  const spec: OptimizerSpec = { type: 'adamw', ...moments, weightDecay: 0.1 };
  const before = tf.memory().numTensors;
  const variable = tf.variable(tf.tensor1d(start));
  const optimizer = createOptimizer(spec, { w: variable });
  const steps = (from: number, to: number, one = optimizer, w: tf.Variable = variable) => {
    for (let index = from; index < to; index++) {
      one.apply({ w: tf.tensor1d(gradients[index]) }, { rate: 0.05, step: index + 1 });
    }
    return [...w.dataSync()];
  };
  const middle = steps(0, 2);
  const state = optimizer.read();
  expect(Object.keys(state)).toEqual(['first_moment/w', 'second_moment/w']);
  const whole = steps(2, 3);

  // Another optimizer, made before its variable is given the values it had.
  const other = tf.variable(tf.zeros<tf.Rank.R1>([3]));
  const resumed = createOptimizer(spec, { w: other });
  tf.tidy(() => other.assign(tf.tensor1d(middle)));
  resumed.restore(state);
  expect(steps(2, 3, resumed, other)).toEqual(whole);

  optimizer.dispose();
  resumed.dispose();
  tf.dispose([variable, other]);
  // The first values of both variables.
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 2);
});
