import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from './gradients.ts';
import type { DepthwiseOptions, Forward } from './network.ts';
import { run, type Tensors } from './run.ts';
import { trace } from './trace.ts';
import { startEngine } from './backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from './testing/tensors.ts';

/** Layers of residual, mobile and shuffled networks. */

beforeAll(() => startEngine());

const outputOf = (layers: Forward, x: tf.Tensor, parameters: Tensors = {}) =>
  run(layers, parameters, x).output;
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));

/** Returns an image of the numbers 0, 1, 2…, `[1, height, width, channels]`. */
const counting = (height: number, width: number, channels: number) =>
  tf.reshape(tf.range(0, height * width * channels), [1, height, width, channels]);

/** Computes PyTorch's Conv2d with `groups` = channels in six loops, in float64. The weight is `[k, k, c, 1]`. */
function naiveDepthwise(x: tf.Tensor, weight: tf.Tensor, options: DepthwiseOptions) {
  const { kernel, stride = 1, padding = 0 } = options;
  const [batch, height, width, channels] = x.shape as number[];
  const [xs, ws] = [x.dataSync(), weight.dataSync()];
  const extent = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const shape = [batch, extent(height), extent(width), channels];
  const y: number[] = [];
  for (let at = 0; at < shape.reduce((a, b) => a * b); at++) {
    const c = at % channels;
    const column = Math.floor(at / channels) % shape[2];
    const row = Math.floor(at / channels / shape[2]) % shape[1];
    const b = Math.floor(at / channels / shape[2] / shape[1]);
    let sum = 0;
    for (let i = 0; i < kernel; i++) {
      for (let j = 0; j < kernel; j++) {
        const [p, q] = [row * stride + i - padding, column * stride + j - padding];
        if (p < 0 || p >= height || q < 0 || q >= width) continue;
        sum += xs[((b * height + p) * width + q) * channels + c] * ws[(i * kernel + j) * channels + c];
      }
    }
    y.push(sum);
  }
  return { y, shape };
}

/**
 * Computes PyTorch's ConvTranspose2d in loops, in float64: every input adds the kernel, times its value, around `factor` times
 * its position. The weight is `[k, k, out, in]`.
 */
function naiveEnlarged(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, factor: number) {
  const [batch, height, width, channels] = x.shape as number[];
  const [kernel, , out] = weight.shape as number[];
  const padding = (kernel - factor) / 2;
  const [xs, ws] = [x.dataSync(), weight.dataSync()];
  const shape = [batch, factor * height, factor * width, out];
  const y = Array.from({ length: shape.reduce((a, b) => a * b) }, (_, at) => bias.dataSync()[at % out]);
  for (let at = 0; at < xs.length; at++) {
    const c = at % channels;
    const column = Math.floor(at / channels) % width;
    const row = Math.floor(at / channels / width) % height;
    const b = Math.floor(at / channels / width / height);
    for (let i = 0; i < kernel; i++) {
      for (let j = 0; j < kernel; j++) {
        const [p, q] = [row * factor + i - padding, column * factor + j - padding];
        if (p < 0 || p >= shape[1] || q < 0 || q >= shape[2]) continue;
        for (let o = 0; o < out; o++) {
          y[((b * shape[1] + p) * shape[2] + q) * out + o] +=
            xs[at] * ws[((i * kernel + j) * out + o) * channels + c];
        }
      }
    }
  }
  return { y, shape };
}

describe.each([2, 3, 4])('a convolution that enlarges %s times', (factor) => {
  const layer: Forward = (net, x) => net.enlarge('c', x, { out: 3, factor });
  const { parameters, outputShape } = trace(layer, [3, 2, 2]);
  const tensors = () => parameters.map(({ shape }, i) => sample(shape, i + 1));
  const f = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
    outputOf(layer, x, { 'c.weight': weight, 'c.bias': bias });

  test('computes what PyTorch computes, in the shape that was planned', () => {
    tf.tidy(() => {
      const [x, [weight, bias]] = [sample([2, 3, 2, 2]), tensors()];
      const { y, shape } = naiveEnlarged(x, weight, bias, factor);
      const output = f(x, weight, bias);
      expect(output.shape).toEqual(shape);
      expect(outputShape).toEqual(shape.slice(1));
      expectClose(output, y);
    });
  });

  test('has the gradients that finite differences give, and leaves nothing behind', () => {
    const [weight, bias] = tensors();
    const x = sample([2, 3, 2, 2]);
    expectGradient((...given) => weighted(f(...(given as Parameters<typeof f>))), [x, weight, bias]);
    expectNoLeak(() => tf.tidy(() => tf.grad((y: tf.Tensor) => weighted(f(y, weight, bias)))(x)));
  });
});

describe('a depthwise convolution', () => {
  const cases: DepthwiseOptions[] = [
    { kernel: 3, padding: 1 },
    { kernel: 3 },
    { kernel: 1 },
    { kernel: 3, padding: 2 },
    { kernel: 2, stride: 2 },
    // TensorFlow's 'same' would shift its windows by one pixel here.
    { kernel: 3, stride: 2, padding: 1 },
    { kernel: 5, stride: 2, padding: 2 },
  ];
  const layer =
    (options: DepthwiseOptions): Forward =>
    (net, x) =>
      net.depthwise('d', x, options);

  for (const size of [[6, 8] as const, [7, 5] as const]) {
    test.each(cases)(`of ${size.join('×')} equals the reference: %j`, (options) => {
      tf.tidy(() => {
        const [x, weight] = [sample([2, ...size, 5]), sample([options.kernel, options.kernel, 5, 1], 1)];
        const expected = naiveDepthwise(x, weight, options);
        const y = outputOf(layer(options), x, { 'd.weight': weight });
        expect(y.shape).toEqual(expected.shape);
        expectClose(y, expected.y);
      });
    });
  }

  test.each(cases)('has the gradient that finite differences give: %j', (options) => {
    expectGradient(
      (x, weight) => weighted(outputOf(layer(options), x, { 'd.weight': weight })),
      [sample([2, 5, 4, 3]), sample([options.kernel, options.kernel, 3, 1], 1)],
    );
  });
});

describe('average pooling', () => {
  test('averages windows and drops incomplete ones', () => {
    const x = tf.tensor([1, 2, 9, 3, 6, 9, 9, 9, 9], [1, 3, 3, 1]);
    expect([...outputOf((net, y) => net.averagePool(y, { size: 2 }), x).dataSync()]).toEqual([3]);
    const overlapping = outputOf((net, y) => net.averagePool(y, { size: 2, stride: 1 }), x);
    expectClose(overlapping, [3, 6.5, 6.75, 8.25]);
  });

  test('has the gradient that finite differences give', () => {
    for (const options of [{ size: 2 }, { size: 3, stride: 2 }]) {
      expectGradient(
        (x) => weighted(outputOf((net, y) => net.averagePool(y, options), x)),
        [sample([2, 5, 7, 3])],
      );
    }
  });

  test('of the whole map is the mean of each channel', () => {
    const y = outputOf((net, x) => net.globalAveragePool(x), counting(2, 3, 2));
    expect(y.shape).toEqual([1, 2]);
    expectClose(y, [5, 6]);
    expectGradient(
      (x) => weighted(outputOf((net, map) => net.globalAveragePool(map), x)),
      [sample([2, 3, 4, 3])],
    );
  });
});

test('relu6 is limited to 0 and 6', () => {
  const x = tf.tensor([-7, -1, 0.5, 5.5, 6.5, 9]);
  const clipped: Forward = (net, y) => net.relu6(y);
  expectClose(outputOf(clipped, x), [0, 0, 0.5, 5.5, 6, 6]);
  const gradient = tf.grad((y: tf.Tensor) =>
    tf.sum(tf.mul(outputOf(clipped, y), tf.tensor([1, 2, 3, 4, 5, 6]))),
  )(x);
  expect([...gradient.dataSync()]).toEqual([0, 0, 3, 4, 0, 0]);
});

describe('a sum', () => {
  // Both branches read the ReLU, as in a residual block.
  const block: Forward = (net, x) => {
    const y = net.relu(x);
    return net.add(net.conv('c', y, { out: 2, kernel: 1, bias: false }), y);
  };

  test('adds its branches', () => {
    const weight = tf.tensor([1, 10, 100, 1000], [1, 1, 2, 2]);
    const x = tf.tensor([2, 3, -1, 4], [1, 1, 2, 2]);
    // [x₀ + 100 x₁, 10 x₀ + 1000 x₁] + [x₀, x₁], with negative x set to 0
    expect([...outputOf(block, x, { 'c.weight': weight }).dataSync()]).toEqual([304, 3023, 400, 4004]);
  });

  test('has the gradient that finite differences give', () => {
    const x = sample([2, 3, 4, 2]);
    // No element of the sample is within a step of the kink.
    expect(Math.min(...x.dataSync().map(Math.abs))).toBeGreaterThan(2 ** -8);
    expectGradient(
      (y, weight) => weighted(outputOf(block, y, { 'c.weight': weight })),
      [x, sample([1, 1, 2, 2], 1)],
      { step: 2 ** -8 },
    );
    expectGradient((y) => weighted(outputOf((net, map) => net.add(map, map), y)), [x]);
  });
});

describe('channels', () => {
  test('are concatenated, sliced and shuffled', () => {
    const x = counting(1, 2, 6);
    const values = (layers: Forward) => [...outputOf(layers, x).dataSync()];
    expect(values((net, y) => net.slice(y, { from: 1, to: 3 }))).toEqual([1, 2, 7, 8]);
    expect(
      values((net, y) => net.concat([net.slice(y, { from: 4, to: 6 }), net.slice(y, { from: 0, to: 1 })])),
    ).toEqual([4, 5, 0, 10, 11, 6]);
    expect(values((net, y) => net.shuffle(y, 2))).toEqual([0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
    expect(values((net, y) => net.shuffle(y, 3))).toEqual([0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  });

  test('have the gradient that finite differences give', () => {
    const layers: Forward = (net, x) => {
      const [low, high] = [net.slice(x, { from: 0, to: 4 }), net.slice(x, { from: 2, to: 6 })];
      return net.shuffle(net.concat([high, net.add(low, high)]), 4);
    };
    expectGradient((x) => weighted(outputOf(layers, x)), [sample([2, 2, 3, 6])]);
  });
});

test('a step through every layer leaves no tensors behind', () => {
  const forward: Forward = (net, x) => {
    let y = net.relu6(net.depthwise('d', x, { kernel: 3, stride: 2, padding: 1 }));
    y = net.add(net.depthwise('e', y, { kernel: 3, padding: 1 }), y);
    y = net.concat([net.slice(y, { from: 0, to: 1 }), net.shuffle(y, 2)]);
    return net.linear('l', net.globalAveragePool(net.averagePool(y, { size: 2 })), { out: 1 });
  };
  const variables: Record<string, tf.Variable> = {
    'd.weight': tf.variable(sample([3, 3, 4, 1])),
    'e.weight': tf.variable(sample([3, 3, 4, 1], 1)),
    'l.weight': tf.variable(sample([5, 1])),
    'l.bias': tf.variable(sample([1])),
  };
  const x = sample([3, 8, 8, 4]);
  expectNoLeak(() => gradientsOf(() => tf.sum(run(forward, variables, x).output), variables));
  expectNoLeak(() => tf.tidy(() => run(forward, variables, x).output));
});
