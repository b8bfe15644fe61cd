import type { Optimizer as OptimizerSpec } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { clipGradients, createOptimizer } from './optimizer.ts';
import { startEngine } from './backends/start.ts';

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
function trajectory(spec: OptimizerSpec, rate: number): number[] {
  const before = tf.memory().numTensors;
  const variable = tf.variable(tf.tensor1d(start));
  const optimizer = createOptimizer(spec, { w: variable });
  const during = tf.memory().numTensors;
  gradients.forEach((values, index) => {
    const gradient = tf.tensor1d(values);
    optimizer.apply({ w: gradient }, rate, index + 1);
    gradient.dispose();
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

describe('update rules', () => {
  test.each<[string, OptimizerSpec]>([
    ['adam', { type: 'adam', ...moments, weightDecay: 0 }],
    ['adam with L2', { type: 'adam', ...moments, weightDecay: 0.1 }],
    ['adam with a large epsilon', { type: 'adam', ...moments, epsilon: 0.1, weightDecay: 0 }],
    ['adamw', { type: 'adamw', ...moments, weightDecay: 0.1 }],
    ['sgd', sgd],
    ['sgd with momentum', { ...sgd, momentum: 0.9 }],
    ['sgd with nesterov and weight decay', { ...sgd, momentum: 0.9, nesterov: true, weightDecay: 0.05 }],
  ])('%s', (_name, spec) => {
    const expected = reference(spec, 0.05);
    trajectory(spec, 0.05).forEach((value, index) => expect(value).toBeCloseTo(expected[index], 5));
  });
});

test('gradients are clipped to their global norm', () => {
  const before = tf.memory().numTensors;
  const clipped = clipGradients({ a: tf.tensor1d([3]), b: tf.tensor1d([0, 4]) }, 1);
  expect(clipped.a.dataSync()[0]).toBeCloseTo(0.6, 5);
  expect(clipped.b.dataSync()[1]).toBeCloseTo(0.8, 5);
  tf.dispose(clipped);
  const kept = clipGradients({ a: tf.tensor1d([0.3]) }, 1);
  expect(kept.a.dataSync()[0]).toBeCloseTo(0.3, 6);
  tf.dispose(kept);
  expect(tf.memory().numTensors).toBe(before);
});

test('a state that was read and restored goes on to the same bits, also after the variable was assigned', () => {
  const spec: OptimizerSpec = { type: 'adamw', ...moments, weightDecay: 0.1 };
  const before = tf.memory().numTensors;
  const variable = tf.variable(tf.tensor1d(start));
  const optimizer = createOptimizer(spec, { w: variable });
  const steps = (from: number, to: number, one = optimizer, w: tf.Variable = variable) => {
    for (let index = from; index < to; index++) {
      const gradient = tf.tensor1d(gradients[index]);
      one.apply({ w: gradient }, 0.05, index + 1);
      gradient.dispose();
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
