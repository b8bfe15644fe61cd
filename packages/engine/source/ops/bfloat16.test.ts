import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../gradients.ts';
import { initialValues } from '../initialize.ts';
import type { Forward } from '../network.ts';
import { run } from '../run.ts';
import { startEngine } from '../backends/start.ts';
import { expectNoLeak, sample } from '../testing/tensors.ts';
import { trace } from '../trace.ts';
import { bfloat16Refusal } from './bfloat16.ts';
import { convolution, type Precision, toFloat32 } from './convolution.ts';
import { matMulBfloat16 } from './mat-mul.ts';
import { maxPool } from './max-pool.ts';

// The engine must have started before the tests are collected, because it decides which of them run.
await startEngine();
const refusal = bfloat16Refusal();
if (refusal !== null) console.warn(`bfloat16 is not tested: ${refusal}`);

const random = (shape: readonly number[], seed: number) => tf.randomNormal([...shape], 0, 1, 'float32', seed);
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, random(y.shape, 9)));

/** Compares whole tensors: sums of both signs lose small elements, and rounding sometimes moves a maximum. */
function expectNear(actual: tf.Tensor, expected: tf.Tensor, bound = 0.01): void {
  expect(actual.dtype).toBe('float32');
  expect(actual.shape).toEqual(expected.shape);
  const length = (x: tf.Tensor) => tf.norm(x).dataSync()[0];
  expect(length(tf.sub(actual, expected)) / length(expected)).toBeLessThan(bound);
}

test('a refusal names the reason', () => {
  expect(refusal === null || refusal.length > 10).toBe(true);
});

describe.skipIf(refusal !== null)('in bfloat16', () => {
  beforeAll(() => startEngine());

  test.each([
    ['3×3 with a bias', [2, 6, 6, 4], [3, 3, 4, 5], 1, 'same', true],
    ['3×3 without', [2, 6, 6, 4], [3, 3, 4, 5], 1, 'same', false],
    ['1×1', [3, 4, 4, 8], [1, 1, 8, 2], 1, 'same', true],
    // Images have three channels, and oneDNN computes odd numbers of channels wrongly.
    ['one channel', [4, 8, 8, 1], [3, 3, 1, 16], 1, 'same', true],
    ['three channels', [4, 32, 32, 3], [3, 3, 3, 128], 1, 'same', true],
    ['five channels at stride 2', [2, 7, 7, 5], [3, 3, 5, 4], 2, 'valid', true],
  ] as const)(
    'a convolution of %s and its gradients are near float32',
    (_, x, filter, stride, padding, bias) => {
      const own = (a: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) =>
        toFloat32(
          convolution(a, w, b as tf.Tensor1D | undefined, { stride, padding, precision: 'bfloat16' }),
        );
      const single = (a: tf.Tensor, w: tf.Tensor, b?: tf.Tensor) => {
        const y = tf.conv2d(a as tf.Tensor4D, w as tf.Tensor4D, stride, padding);
        return b === undefined ? y : tf.add(y, b);
      };
      const [a, w, b] = [random(x, 1), random(filter, 2), random([filter[3]], 3)];
      const inputs = bias ? [a, w, b] : [a, w];
      expectNear(own(a, w, inputs[2]), single(a, w, inputs[2]));
      const slopes = (f: typeof own) => tf.grads((p, q, r) => weighted(f(p, q, r)))(inputs);
      const expected = slopes(single);
      slopes(own).forEach((gradient, index) => expectNear(gradient, expected[index]));
    },
  );

  test('a matrix product and its gradients are near float32', () => {
    const inputs = [random([5, 7], 1), random([7, 3], 2)];
    expectNear(matMulBfloat16(inputs[0], inputs[1]), tf.matMul(inputs[0], inputs[1]));
    const expected = tf.grads((x, y) => weighted(tf.matMul(x, y)))(inputs);
    tf.grads((x, y) => weighted(matMulBfloat16(x, y)))(inputs).forEach((gradient, index) =>
      expectNear(gradient, expected[index]),
    );
  });

  // If two elements of a window are nearly equal, rounding can pick the other, so the bound is wide. A wrong gradient
  // would differ by its whole length.
  test('a map passes through ReLU and pooling, and its gradients are summed, all in bfloat16', () => {
    const x = random([4, 16, 16, 3], 1);
    const filters = [random([3, 3, 3, 8], 2), tf.mul(random([3, 3, 8, 8], 3), 0.1)];
    const options = { stride: 1, padding: 'same', precision: 'bfloat16' } as const;
    // The first map is used twice, as in a residual block: the tape must add two gradients.
    const own = (w: tf.Tensor, v: tf.Tensor) => {
      const first = tf.relu(convolution(x, w, undefined, options));
      const second = convolution(first, v, undefined, options);
      const pooled = [first, second].map((map) => toFloat32(maxPool(map, { size: 2, stride: 2 })));
      return weighted(tf.add(pooled[0], pooled[1]));
    };
    const single = (w: tf.Tensor, v: tf.Tensor) => {
      const first = tf.relu(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'));
      const second = tf.conv2d(first, v as tf.Tensor4D, 1, 'same');
      const pooled = [first, second].map((map) => tf.maxPool(map, 2, 2, 'valid'));
      return weighted(tf.add(pooled[0], pooled[1]));
    };
    const expected = tf.grads(single)(filters);
    tf.grads(own)(filters).forEach((gradient, index) => expectNear(gradient, expected[index], 0.2));
    expectNoLeak(() => tf.grads(own)(filters));
  });

  // The bounds are wide because rounding can switch a ReLU of a small number on or off.
  test('residual and depthwise blocks train with results near float32', () => {
    const forward: Forward = (net, x) => {
      const layer = (name: string, y: typeof x, kernel: number, stride = 1) => {
        const options = { out: 16, kernel, stride, padding: (kernel - 1) / 2, bias: false };
        return net.batchNorm(`${name}n`, net.conv(name, y, options));
      };
      const stem = net.relu(layer('a', x, 3));
      const block = net.relu(net.add(layer('b', net.relu(layer('c', stem, 3)), 3), stem));
      const half = net.relu(net.add(layer('d', block, 3, 2), layer('e', block, 1, 2)));
      // This sums a float32 map and a bfloat16 map.
      const spatial = net.depthwise('f', half, { kernel: 3, padding: 1 });
      const shuffled = net.shuffle(net.concat([net.slice(half, { from: 8, to: 16 }), spatial]), 2);
      return net.globalAveragePool(net.add(net.conv('g', shuffled, { out: 16, kernel: 1 }), spatial));
    };
    const { parameters } = trace(forward, [8, 8, 4]);
    const values = initialValues(parameters, 1);
    const variables = Object.fromEntries(
      parameters.map(({ name, shape, trainable }) => [
        name,
        tf.variable(tf.tensor(values[name], shape), trainable),
      ]),
    );
    const trained = Object.fromEntries(Object.entries(variables).filter(([, { trainable }]) => trainable));
    const x = random([8, 8, 8, 4], 1);
    const step = (precision: Precision) =>
      gradientsOf(() => {
        const options = { precision, training: { seed: 1, step: 0 } };
        const { output, statistics } = run(forward, variables, x, options);
        tf.dispose(statistics);
        return weighted(output) as tf.Scalar;
      }, trained);
    const [own, single] = [step('bfloat16'), step('float32')];
    for (const [name, gradient] of Object.entries(own.gradients)) {
      expectNear(gradient, single.gradients[name], 0.2);
    }
    expectNoLeak(() => step('bfloat16'));
  });

  test('leaves no tensors behind', () => {
    const inputs = [sample([2, 6, 6, 4]), sample([3, 3, 4, 5], 1), sample([5], 2)];
    const own = (a: tf.Tensor, w: tf.Tensor, b: tf.Tensor) =>
      toFloat32(
        convolution(a, w, b as tf.Tensor1D | undefined, {
          stride: 1,
          padding: 'same',
          precision: 'bfloat16',
        }),
      );
    expectNoLeak(() => tf.tidy(() => own(inputs[0], inputs[1], inputs[2])));
    expectNoLeak(() => tf.grads((a, w, b) => tf.sum(own(a, w, b)))(inputs));
    const [a, b] = [sample([5, 7]), sample([7, 3], 1)];
    expectNoLeak(() => tf.grads((x, y) => tf.sum(matMulBfloat16(x, y)))([a, b]));
  });
});
