import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startEngine } from './backends/start.ts';
import { probabilities, targetOf } from './labels.ts';
import { expectClose, expectNoLeak } from './testing/tensors.ts';

beforeAll(() => startEngine());

test('labels of single classes are the target themselves', () => {
  const labels = tf.tensor1d([2, 0], 'int32');
  expect(targetOf({ labels }, 3)).toBe(labels);
  expectClose(probabilities(labels, 3), [0, 0, 1, 1, 0, 0]);
});

test('mixed samples have the probability of each class by its share', () => {
  const labels = {
    labels: tf.tensor1d([2, 0, 1], 'int32'),
    mixed: { labels: tf.tensor1d([0, 0, 2], 'int32'), shares: tf.tensor1d([0.25, 0.4, 1]) },
  };
  const target = targetOf(labels, 3);
  expectClose(target, [0.75, 0, 0.25, 1, 0, 0, 0, 1, 0]);
  expect(probabilities(target, 3)).toBe(target);
  expectNoLeak(() => tf.tidy(() => targetOf(labels, 3)));
});
