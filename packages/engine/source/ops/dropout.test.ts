import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { randomStream } from '../random.ts';
import { expectNoLeak } from '../testing/tensors.ts';
import { dropout, maskOf } from './dropout.ts';

beforeAll(() => startEngine());

const drop = (seed: number, x: tf.Tensor) =>
  dropout(x, { rate: 0.25, stream: () => randomStream(seed, 'dropout') });

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

// In several parts, whose sizes are no multiples of a vector.
test('has the mask of the host', () => {
  const stream = randomStream(7, 'dropout');
  const key = Int32Array.of(stream.uint32(), stream.uint32());
  expect([...drop(7, tf.ones([40_003])).dataSync()]).toEqual([...maskOf(40_003, 0.25, key)]);
});

test('the gradient passes where nothing was dropped', () => {
  const x = tf.ones([4, 5]);
  const kept = drop(1, x).dataSync();
  const gradient = () => tf.grad((y: tf.Tensor) => tf.sum(drop(1, y)))(x);
  expect([...gradient().dataSync()]).toEqual([...kept]);
  expectNoLeak(gradient);
});

describe('a mask', () => {
  const size = 1 << 16;
  const isKept = (rate: number, key: Int32Array) =>
    Array.from(maskOf(size, rate, key), (factor) => (factor === 0 ? 0 : 1));
  const keys = Array.from({ length: 8 }, (_, seed) => {
    const stream = randomStream(seed, 'mask');
    return Int32Array.of(stream.uint32(), stream.uint32());
  });
  /** The correlation of two masks of a rate, which is about normal with deviation 1/√size where they are independent. */
  const correlation = (a: readonly number[], b: readonly number[], rate: number) => {
    const mean = 1 - rate;
    const products = a.reduce((sum, value, i) => sum + (value - mean) * (b[i] - mean), 0);
    return products / (size * mean * (1 - mean));
  };
  const bound = 5 / Math.sqrt(size);

  test.each([0.1, 0.5, 0.9])('drops %d of all elements', (rate) => {
    for (const key of keys) {
      const kept = isKept(rate, key).reduce<number>((sum, value) => sum + value, 0);
      expect(Math.abs(kept / size - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / size));
    }
  });

  test('depends on nothing beside it: not on its neighbours, nor on masks of other keys', () => {
    const masks = keys.map((key) => isKept(0.5, key));
    for (const [i, mask] of masks.entries()) {
      for (const distance of [1, 2, 16, 64, 65, 1024]) {
        const moved = [...mask.slice(distance), ...mask.slice(0, distance)];
        expect(Math.abs(correlation(mask, moved, 0.5))).toBeLessThan(bound);
      }
      for (const other of masks.slice(i + 1))
        expect(Math.abs(correlation(mask, other, 0.5))).toBeLessThan(bound);
    }
    // Keys that differ in one bit have masks that have nothing in common.
    const [key] = keys;
    for (const near of [Int32Array.of(key[0] ^ 1, key[1]), Int32Array.of(key[0], key[1] ^ 2)]) {
      expect(Math.abs(correlation(isKept(0.5, key), isKept(0.5, near), 0.5))).toBeLessThan(bound);
    }
  });
});
