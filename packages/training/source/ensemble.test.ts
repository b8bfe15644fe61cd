import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { combineLogits, ensemblePlan, tapsBehind } from './ensemble.ts';

beforeAll(() => startEngine());

// Two teachers, three images, two classes.
const first = [
  [2, 0],
  [0, 1],
  [1, 1],
];
const second = [
  [3, 2],
  [5, 4],
  [0, 1],
];

function combined(combine: 'mean' | 'best', weights: number[]): number[][] {
  const before = tf.memory().numTensors;
  const inputs = [tf.tensor2d(first), tf.tensor2d(second)];
  const labels = tf.tensor1d([0, 0, 1], 'int32');
  const result = combineLogits(inputs, labels, { combine, weights });
  const values = result.arraySync() as number[][];
  tf.dispose([result, labels, inputs]);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

test('the mean is weighted, whatever the scale of the weights', () => {
  const expected = first.map((row, i) => row.map((value, j) => (3 * value + second[i][j]) / 4));
  expect(combined('mean', [3, 1])).toEqual(expected);
  expect(combined('mean', [0.75, 0.25])).toEqual(expected);
});

test('the best is the one that is surest of the label, image by image', () => {
  // By the label's log-probability: −.127 against −.313, −1.313 against −.313, −.693 against −.313.
  expect(combined('best', [1, 1])).toEqual([first[0], second[1], second[2]]);
});

test('taps are those of each, and the logits of all', () => {
  const plan = (taps: Record<string, number[]>) => ({ taps, parameters: [] });
  const plans = [plan({ stage1: [8, 8, 4], logits: [2] }), plan({ features: [5], logits: [2] })];
  expect(ensemblePlan(['a', 'b'], plans).taps).toEqual({
    'a/stage1': [8, 8, 4],
    'a/logits': [2],
    'b/features': [5],
    'b/logits': [2],
    logits: [2],
  });
  const ensemble = { names: ['a', 'b'], weights: [1, 1], combine: 'mean' } as const;
  expect(tapsBehind(['logits', 'a/stage1', 'a/logits'], ensemble)).toEqual([
    'a/logits',
    'b/logits',
    'a/stage1',
  ]);
});
