import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { randomStream } from '../random.ts';
import { startEngine } from '../backends/start.ts';
import { expectNoLeak } from '../testing/tensors.ts';
import { dropout } from './dropout.ts';

beforeAll(() => startEngine());

const drop = (seed: number, x: tf.Tensor) => dropout(x, 0.25, () => randomStream(seed, 'dropout'));

test('drops at its rate, scales the rest, and repeats for the same key', () => {
  const x = tf.ones([40, 50]);
  const values = [...drop(1, x).dataSync()];
  const dropped = values.filter((value) => value === 0).length;
  // Four standard deviations of a binomial with n = 2,000 and p = ¼.
  expect(Math.abs(dropped - 500)).toBeLessThan(4 * Math.sqrt(2000 * 0.25 * 0.75));
  expect(new Set(values)).toEqual(new Set([0, Math.fround(4 / 3)]));
  expect([...drop(1, x).dataSync()]).toEqual(values);
  expect([...drop(2, x).dataSync()]).not.toEqual(values);
});

test('the mask equals single calls of uint32', () => {
  const mask = new Float32Array(1000);
  const [filled, single] = [randomStream(3, 'x'), randomStream(3, 'x')];
  filled.fillMask(mask, 0.4, 2);
  for (const value of mask) expect(value).toBe(single.uint32() >= Math.round(0.4 * 2 ** 32) ? 2 : 0);
  // The stream continues after the mask.
  expect(filled.uint32()).toBe(single.uint32());
});

test('the gradient passes where nothing was dropped', () => {
  const x = tf.ones([4, 5]);
  const kept = drop(1, x).dataSync();
  expect([
    ...tf
      .grad((y: tf.Tensor) => tf.sum(drop(1, y)))(x)
      .dataSync(),
  ]).toEqual([...kept]);
  expectNoLeak(() => tf.grad((y: tf.Tensor) => tf.sum(drop(1, y)))(x));
});
