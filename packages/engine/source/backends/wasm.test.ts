import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';

// These tests ignore ENGINE, so that the WebAssembly backend is tested on every machine.
beforeAll(() => startEngine('wasm'));

test('this file tests the WebAssembly backend', () => {
  expect(tf.getBackend()).toBe('wasm');
});

interface Case {
  kernel: [number, number];
  stride: number | [number, number];
  pad: 'same' | 'valid' | number;
}

const cases: Case[] = [
  { kernel: [3, 3], stride: 1, pad: 'same' },
  { kernel: [3, 3], stride: 1, pad: 'valid' },
  { kernel: [1, 1], stride: 1, pad: 'same' },
  { kernel: [2, 2], stride: 1, pad: 'same' },
  { kernel: [1, 3], stride: 1, pad: 'valid' },
  { kernel: [3, 3], stride: 1, pad: 2 },
  // This padding is more than the flipped filter can express.
  { kernel: [1, 1], stride: 1, pad: 1 },
  { kernel: [3, 3], stride: 2, pad: 'same' },
  { kernel: [3, 3], stride: 2, pad: 'valid' },
  { kernel: [2, 2], stride: [2, 3], pad: 'valid' },
];

describe('convolution', () => {
  test.each(cases)('has the gradients that finite differences give: %j', ({ kernel, stride, pad }) => {
    expectGradient(
      (x, filter) => {
        const y = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
        return tf.sum(tf.mul(y, sample(y.shape, 3)));
      },
      [sample([2, 5, 4, 2]), sample([...kernel, 2, 3], 1)],
    );
  });

  test.each(cases)('leaves no tensors behind: %j', ({ kernel, stride, pad }) => {
    const x = [sample([2, 6, 5, 2]), sample([...kernel, 2, 3], 1)];
    expectNoLeak(() =>
      tf.grads((a, b) => tf.sum(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad)))(x),
    );
  });

  test('its filter gradient equals the correlation of x and dy, computed in loops', () => {
    const [x, dy] = [sample([3, 6, 7, 2]), sample([3, 3, 4, 4], 2)];
    const [xs, dys] = [x.dataSync(), dy.dataSync()];
    const gradient = tf.grad((filter: tf.Tensor) =>
      tf.sum(tf.mul(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 1), dy)),
    )(sample([3, 3, 2, 4]));
    const expected = new Float64Array(3 * 3 * 2 * 4);
    for (let b = 0; b < 3; b++) {
      for (let p = 0; p < 3; p++) {
        for (let q = 0; q < 4; q++) {
          for (let tap = 0; tap < 9; tap++) {
            const [row, column] = [2 * p + Math.floor(tap / 3) - 1, 2 * q + (tap % 3) - 1];
            if (row < 0 || row >= 6 || column < 0 || column >= 7) continue;
            for (let c = 0; c < 2; c++) {
              for (let o = 0; o < 4; o++) {
                expected[(tap * 2 + c) * 4 + o] +=
                  xs[((b * 6 + row) * 7 + column) * 2 + c] * dys[((b * 3 + p) * 4 + q) * 4 + o];
              }
            }
          }
        }
      }
    }
    expectClose(gradient, expected);
  });
});

describe('depthwise convolution', () => {
  test.each(cases)('has the gradients that finite differences give: %j', ({ kernel, stride, pad }) => {
    expectGradient(
      (x, filter) => {
        const y = tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
        return tf.sum(tf.mul(y, sample(y.shape, 3)));
      },
      [sample([2, 5, 4, 3]), sample([...kernel, 3, 1], 1)],
    );
  });

  test('its gradients leave no tensors behind', () => {
    const x = [sample([2, 6, 5, 3]), sample([3, 3, 3, 1], 1)];
    expectNoLeak(() =>
      tf.grads((a, b) => tf.sum(tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 'same')))(x),
    );
  });

  test('refuses gradients of several filters for each channel', () => {
    const x = sample([1, 4, 4, 2]) as tf.Tensor4D;
    const gradient = () =>
      tf.grad((filter: tf.Tensor) => tf.sum(tf.depthwiseConv2d(x, filter as tf.Tensor4D, 1, 'same')))(
        sample([3, 3, 2, 2], 1),
      );
    expect(gradient).toThrow(
      'depthwise filters [3,3,2,2] are not supported: there must be one for each channel',
    );
  });
});

describe('max pooling', () => {
  const poolings: [number, number, 'same' | 'valid' | number][] = [
    [2, 2, 'valid'],
    [3, 2, 'valid'],
    [3, 2, 'same'],
    [2, 1, 'same'],
    [3, 2, 1],
    [3, 3, 'valid'],
  ];

  test.each(poolings)(
    'has the gradient that finite differences give: %j, stride %j, %j',
    (size, stride, pad) => {
      expectGradient(
        (x) => {
          const y = tf.maxPool(x as tf.Tensor4D, size, stride, pad);
          return tf.sum(tf.mul(y, sample(y.shape, 3)));
        },
        // All values differ by 1/70 or more, so that no step changes the maximum.
        [
          tf.tensor(
            Float32Array.from({ length: 70 }, (_, i) => ((i * 37) % 70) / 70),
            [1, 5, 7, 2],
          ),
        ],
        { step: 2 ** -8 },
      );
    },
  );

  test('gives the whole gradient to the first maximum, and NaN leaves no memory behind', () => {
    const x = tf.tensor([1, 1, 1, 1, 0, Number.NaN, 0, 0], [1, 2, 4, 1]);
    const gradient = () => tf.grad((y: tf.Tensor) => tf.sum(tf.maxPool(y as tf.Tensor4D, 2, 2, 'valid')))(x);
    expect([...gradient().dataSync()]).toEqual([1, 0, 1, 0, 0, 0, 0, 0]);
    expectNoLeak(gradient);
  });
});

test('the gradient of relu is dy where y > 0', () => {
  const x = tf.tensor([-1, 0, 2, 1e-30]);
  const gradient = () => tf.grad((y: tf.Tensor) => tf.sum(tf.mul(tf.relu(y), tf.tensor([5, 6, 7, 8]))))(x);
  expect([...gradient().dataSync()]).toEqual([0, 0, 7, 8]);
  expectNoLeak(gradient);
});

describe('products of transposed matrices', () => {
  const naive = (a: tf.Tensor, b: tf.Tensor) => {
    const [rows, inner, columns] = [a.shape[0], a.shape[1] as number, b.shape[1] as number];
    const [as, bs] = [a.dataSync(), b.dataSync()];
    return Array.from({ length: rows * columns }, (_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += as[row * inner + i] * bs[i * columns + column];
      return sum;
    });
  };

  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('are correct (%s, %s)', (transposeA, transposeB) => {
    const [a, b] = [sample([4, 3]), sample([3, 5], 1)];
    const [x, y] = [transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b];
    expectClose(tf.matMul(x, y, transposeA, transposeB), naive(a, b));
    const before = tf.memory().numTensors;
    tf.matMul(x, y, transposeA, transposeB).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('keep batches separate', () => {
    const [a, b] = [sample([2, 3, 4]), sample([2, 3, 5], 1)];
    const product = tf.matMul(a, b, true, false);
    expect(product.shape).toEqual([2, 4, 5]);
    const parts = [0, 1].flatMap((i) =>
      naive(tf.transpose(tf.squeeze(tf.slice(a, i, 1))), tf.squeeze(tf.slice(b, i, 1))),
    );
    expectClose(product, parts);
  });

  test('have gradients', () => {
    expectGradient(
      (a, b) => tf.sum(tf.mul(tf.matMul(a, b, true, true), sample([4, 5], 3))),
      [sample([3, 4]), sample([5, 3], 1)],
    );
  });
});

test('uncaught errors are left to Node', () => {
  // Emscripten's handler would rethrow them.
  const handlers = process.listeners('uncaughtException').map(String);
  expect(handlers.filter((source) => source.includes('ExitStatus'))).toEqual([]);
});
