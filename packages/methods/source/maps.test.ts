import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { adaptiveAveragePool, atSmallerSize, nearest } from './maps.ts';

beforeAll(() => startEngine());

const map = (values: number[], height: number, width: number) => tf.tensor4d(values, [1, height, width, 1]);

/** Adaptive average pooling by its definition, element by element. */
function reference(x: tf.Tensor, height: number, width: number): number[] {
  const [batch, h, w, channels] = x.shape as [number, number, number, number];
  const values = x.dataSync();
  const window = (i: number, from: number, to: number) => [
    Math.floor((i * from) / to),
    Math.ceil(((i + 1) * from) / to),
  ];
  const out: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        for (let c = 0; c < channels; c++) {
          const [[top, bottom], [left, right]] = [window(i, h, height), window(j, w, width)];
          let sum = 0;
          for (let p = top; p < bottom; p++) {
            for (let q = left; q < right; q++) sum += values[((b * h + p) * w + q) * channels + c];
          }
          out.push(sum / ((bottom - top) * (right - left)));
        }
      }
    }
  }
  return out;
}

test('overlapping windows by hand: 5 to 3', () => {
  expectClose(adaptiveAveragePool(map([1, 2, 4, 8, 16], 1, 5), 1, 3), [1.5, 14 / 3, 12]);
  expectClose(adaptiveAveragePool(map([1, 2, 4, 8, 16], 5, 1), 3, 1), [1.5, 14 / 3, 12]);
});

test.each([
  [[2, 8, 8, 3], 4, 4],
  [[2, 8, 6, 3], 2, 3],
  [[2, 7, 5, 3], 4, 3],
  [[2, 6, 5, 2], 3, 5],
  [[1, 4, 7, 2], 4, 3],
  [[2, 5, 5, 2], 1, 1],
])('of %j to %i×%i equals the definition, and so does its gradient', (shape, height, width) => {
  const x = sample(shape) as tf.Tensor4D;
  const pooled = adaptiveAveragePool(x, height, width);
  expect(pooled.shape).toEqual([shape[0], height, width, shape[3]]);
  expectClose(pooled, reference(x, height, width));
  const factors = sample(pooled.shape, 1);
  expectGradient((y) => tf.sum(tf.mul(adaptiveAveragePool(y as tf.Tensor4D, height, width), factors)), [x]);
});

test('nearest neighbours by hand: enlarged and reduced', () => {
  expectClose(nearest(map([1, 2, 3, 4], 2, 2), 4, 2), [1, 2, 1, 2, 3, 4, 3, 4]);
  // Positions ⌊0⌋, ⌊⅔⌋, ⌊4⁄3⌋ of 2, and ⌊0⌋, ⌊5⁄3⌋, ⌊10⁄3⌋ of 5.
  expectClose(nearest(map([1, 2], 1, 2), 1, 3), [1, 1, 2]);
  expectClose(nearest(map([1, 2, 3, 4, 5], 5, 1), 3, 1), [1, 2, 4]);
});

test('nearest neighbours keep batch and channels apart, and have the gradient that finite differences give', () => {
  const x = sample([2, 2, 3, 2]) as tf.Tensor4D;
  const enlarged = nearest(x, 5, 6);
  expect(enlarged.shape).toEqual([2, 5, 6, 2]);
  const at = (i: number, j: number) => tf.slice(enlarged, [0, i, j, 0], [2, 1, 1, 2]).dataSync();
  const from = (i: number, j: number) => tf.slice(x, [0, i, j, 0], [2, 1, 1, 2]).dataSync();
  expectClose(at(2, 3), from(0, 1));
  expectClose(at(3, 5), from(1, 2));
  const factors = sample(enlarged.shape, 1);
  expectGradient((y) => tf.sum(tf.mul(nearest(y as tf.Tensor4D, 5, 6), factors)), [x]);
});

test('two maps are pooled to the smaller height and the smaller width', () => {
  const [a, b] = [sample([1, 4, 6, 2]), sample([1, 8, 3, 5])];
  expect(atSmallerSize(a, b).map(({ shape }) => shape)).toEqual([
    [1, 4, 3, 2],
    [1, 4, 3, 5],
  ]);
});

test.each<[string, (x: tf.Tensor4D) => tf.Tensor]>([
  ['equal windows', (x) => adaptiveAveragePool(x, 3, 2)],
  ['overlapping windows', (x) => adaptiveAveragePool(x, 4, 3)],
  ['nearest neighbours', (x) => nearest(x, 4, 9)],
])('%s leave no tensors behind', (_name, resize) => {
  const x = sample([2, 6, 4, 3]) as tf.Tensor4D;
  expectNoLeak(() => tf.tidy(() => tf.grad((y: tf.Tensor) => tf.sum(resize(y as tf.Tensor4D)))(x)));
});
