import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ConvOptions, Forward, Net } from './network.ts';
import { run, type Tensors } from './run.ts';
import { startEngine } from './backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from './testing/tensors.ts';

beforeAll(() => startEngine());

const only = (layer: <T>(net: Net<T>, x: T) => T): Forward => layer;

/** Computes PyTorch's Conv2d in seven loops, in float64. x is `[b, h, w, c]`, the weight `[k, k, c, out]`. */
function naiveConv(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined, options: ConvOptions) {
  const { kernel, out, stride = 1, padding = 0 } = options;
  const [batch, height, width, channels] = x.shape;
  const [xs, ws, bs] = [x.dataSync(), weight.dataSync(), bias?.dataSync()];
  const extent = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const [outHeight, outWidth] = [extent(height), extent(width)];
  const y: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        for (let o = 0; o < out; o++) {
          let sum = bs?.[o] ?? 0;
          for (let i = 0; i < kernel; i++) {
            for (let j = 0; j < kernel; j++) {
              const [p, q] = [row * stride + i - padding, column * stride + j - padding];
              if (p < 0 || p >= height || q < 0 || q >= width) continue;
              for (let c = 0; c < channels; c++) {
                const at = ((b * height + p) * width + q) * channels + c;
                sum += xs[at] * ws[((i * kernel + j) * channels + c) * out + o];
              }
            }
          }
          y.push(sum);
        }
      }
    }
  }
  return { y, shape: [batch, outHeight, outWidth, out] };
}

describe('convolution', () => {
  const cases: ConvOptions[] = [
    { out: 3, kernel: 3, padding: 1 },
    { out: 3, kernel: 3 },
    { out: 3, kernel: 1 },
    { out: 3, kernel: 2 },
    { out: 3, kernel: 2, padding: 1 },
    { out: 3, kernel: 3, padding: 2 },
    // TensorFlow's 'same' would shift its windows by one pixel here.
    { out: 3, kernel: 3, stride: 2, padding: 1 },
    { out: 3, kernel: 5, stride: 2, padding: 2 },
    { out: 3, kernel: 1, stride: 2, bias: false },
    { out: 3, kernel: 3, stride: 3, padding: 1, bias: false },
  ];
  const forward = (options: ConvOptions) => only((net, x) => net.conv('c', x, options));
  const parametersOf = (options: ConvOptions): Tensors => ({
    'c.weight': sample([options.kernel, options.kernel, 2, options.out], 1),
    'c.bias': sample([options.out], 2),
  });

  for (const size of [[6, 8] as const, [7, 5] as const]) {
    test.each(cases)(`of ${size.join('×')} equals the reference: %j`, (options) => {
      tf.tidy(() => {
        const x = sample([2, ...size, 2]);
        const parameters = parametersOf(options);
        const bias = options.bias === false ? undefined : parameters['c.bias'];
        const expected = naiveConv(x, parameters['c.weight'], bias, options);
        const { output } = run(forward(options), parameters, x);
        expect(output.shape).toEqual(expected.shape);
        expectClose(output, expected.y);
      });
    });
  }

  test.each(cases)('has the gradient that finite differences give: %j', (options) => {
    tf.tidy(() => {
      const parameters = parametersOf(options);
      const f = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => {
        const { output } = run(forward(options), { 'c.weight': weight, 'c.bias': bias }, x);
        return tf.sum(tf.mul(output, sample(output.shape, 3)));
      };
      const bias = options.bias === false ? [] : [parameters['c.bias']];
      expectGradient(
        (x, weight, b) => f(x, weight, b),
        [sample([1, 5, 4, 2]), parameters['c.weight'], ...bias],
      );
    });
  });
});

test('a linear layer is x·W + b', () => {
  const x = tf.tensor([1, 2, 3, 4], [2, 2]);
  const parameters = {
    'l.weight': tf.tensor([1, 2, 3, 10, 20, 30], [2, 3]),
    'l.bias': tf.tensor([1, 0, -1]),
  };
  const forward = only((net, y) => net.linear('l', y, { out: 3 }));
  expect([...run(forward, parameters, x).output.dataSync()]).toEqual([22, 42, 62, 44, 86, 128]);
});

test("flatten puts channels first, PyTorch's order", () => {
  const x = tf.tensor(
    [
      [
        [11, 12],
        [21, 22],
        [31, 32],
      ],
      [
        [41, 42],
        [51, 52],
        [61, 62],
      ],
    ],
    [2, 3, 2],
  );
  const { output } = run(
    only((net, y) => net.flatten(y)),
    {},
    tf.expandDims(x),
  );
  expect([...output.dataSync()]).toEqual([11, 21, 31, 41, 51, 61, 12, 22, 32, 42, 52, 62]);
});

test('pooling drops incomplete windows', () => {
  const x = tf.tensor([1, 2, 9, 3, 4, 9, 9, 9, 9], [1, 3, 3, 1]);
  const forward = only((net, y) => net.maxPool(y, { size: 2 }));
  expect([...run(forward, {}, x).output.dataSync()]).toEqual([4]);
});

describe('dropout', () => {
  const forward = (rate: number, name = 'd') => only((net, x) => net.dropout(name, x, rate));
  const drop = (rate: number, seed: number, step: number, name?: string) => {
    const options = { training: { seed, step } };
    return [...run(forward(rate, name), {}, tf.ones([10, 2000]), options).output.dataSync()];
  };

  test('drops at its rate and scales the rest', () => {
    const values = drop(0.25, 1, 0);
    const kept = values.filter((value) => value !== 0);
    for (const value of kept) expect(value).toBeCloseTo(4 / 3, 6);
    // Four standard deviations of a binomial proportion.
    expect(Math.abs(kept.length / 20_000 - 0.75)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 20_000));
  });

  test('depends on seed, layer and step', () => {
    expect(drop(0.5, 1, 0)).toEqual(drop(0.5, 1, 0));
    for (const other of [drop(0.5, 2, 0), drop(0.5, 1, 1), drop(0.5, 1, 0, 'e')]) {
      const same = drop(0.5, 1, 0).filter((value, i) => value === other[i]).length;
      expect(Math.abs(same - 10_000)).toBeLessThan(400);
    }
  });

  test('does nothing in evaluation and at rate 0', () => {
    const x = tf.ones([2, 3]);
    expect(run(forward(0.5), {}, x).output).toBe(x);
    expect(run(forward(0), {}, x, { training: { seed: 1, step: 0 } }).output).toBe(x);
  });

  test('its gradient passes where the value was kept', () => {
    const options = { training: { seed: 3, step: 4 } };
    const x = sample([4, 5]);
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(run(forward(0.5), {}, y, options).output))(x);
    const mask = run(forward(0.5), {}, tf.ones([4, 5]), options).output;
    expect([...gradient.dataSync()]).toEqual([...mask.dataSync()]);
  });
});

describe('batch normalisation', () => {
  const forward = only((net, x) => net.batchNorm('bn', x));
  const training = { training: { seed: 1, step: 0 } };
  const parametersOf = (): Tensors => ({
    'bn.weight': tf.tensor([0.5, 2]),
    'bn.bias': tf.tensor([1, -3]),
    'bn.running_mean': tf.tensor([0.25, -0.5]),
    'bn.running_var': tf.tensor([2, 0.5]),
  });
  /** Computes the mean and population variance of one channel, in float64. */
  const momentsOf = (values: ArrayLike<number>, channel: number) => {
    const own = Array.from(values).filter((_, i) => i % 2 === channel);
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    return {
      mean,
      variance: own.reduce((sum, v) => sum + (v - mean) ** 2, 0) / own.length,
      count: own.length,
    };
  };
  const [scale, offset, runningMean, runningVariance] = [
    [0.5, 2],
    [1, -3],
    [0.25, -0.5],
    [2, 0.5],
  ];

  test.each([[[3, 2, 4, 2]], [[5, 2]]])('of %j in evaluation uses the running statistics', (shape) => {
    tf.tidy(() => {
      const x = sample(shape);
      const { output, statistics } = run(forward, parametersOf(), x);
      const expected = Array.from(x.dataSync(), (value, i) => {
        const c = i % 2;
        return ((value - runningMean[c]) / Math.sqrt(runningVariance[c] + 1e-5)) * scale[c] + offset[c];
      });
      expectClose(output, expected);
      expect(statistics).toEqual({});
    });
  });

  test.each([[[3, 2, 4, 2]], [[5, 2]]])(
    'of %j in training uses the statistics of the batch and updates the running ones',
    (shape) => {
      tf.tidy(() => {
        const x = tf.add(tf.mul(sample(shape), 3), 1);
        const moments = [0, 1].map((channel) => momentsOf(x.dataSync(), channel));
        const { output, statistics } = run(forward, parametersOf(), x, training);
        expectClose(
          output,
          Array.from(x.dataSync(), (value, i) => {
            const { mean, variance } = moments[i % 2];
            return ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[i % 2] + offset[i % 2];
          }),
        );
        expectClose(
          statistics['bn.running_mean'],
          moments.map(({ mean }, c) => 0.9 * runningMean[c] + 0.1 * mean),
        );
        // PyTorch keeps the sample variance.
        expectClose(
          statistics['bn.running_var'],
          moments.map(
            ({ variance, count }, c) => 0.9 * runningVariance[c] + (0.1 * variance * count) / (count - 1),
          ),
        );
        tf.dispose(statistics);
      });
    },
  );

  test('a batch of one number has a variance of 0, not NaN', () => {
    const { output, statistics } = run(forward, parametersOf(), tf.tensor([3, 4], [1, 2]), training);
    expectClose(output, [1, -3]);
    expectClose(statistics['bn.running_var'], [1.8, 0.45]);
    tf.dispose(statistics);
  });

  test('has the gradient that finite differences give in training', () => {
    const { 'bn.running_mean': mean, 'bn.running_var': variance } = parametersOf();
    expectGradient(
      (x, weight, bias) => {
        const parameters = {
          'bn.weight': weight,
          'bn.bias': bias,
          'bn.running_mean': mean,
          'bn.running_var': variance,
        };
        const { output, statistics } = run(forward, parameters, x, training);
        tf.dispose(statistics);
        return tf.sum(tf.mul(output, sample(output.shape, 3)));
      },
      [sample([2, 2, 2, 2]), tf.tensor([0.5, 2]), tf.tensor([1, -3])],
    );
  });

  test('leaves only its statistics, which survive the tidy', () => {
    const parameters = parametersOf();
    const x = sample([3, 2]);
    expectNoLeak(() => tf.tidy(() => run(forward, parameters, x, training).statistics));
  });
});

test('a step through every layer leaves no tensors behind', () => {
  const forward = only((net, x) => {
    const y = net.relu(net.conv('c', x, { out: 2, kernel: 3, stride: 2, padding: 1 }));
    return net.linear('l', net.dropout('d', net.flatten(net.maxPool(y, { size: 2 })), 0.5), { out: 1 });
  });
  const parameters: Record<string, tf.Variable> = {
    'c.weight': tf.variable(sample([3, 3, 1, 2])),
    'c.bias': tf.variable(sample([2])),
    'l.weight': tf.variable(sample([8, 1])),
    'l.bias': tf.variable(sample([1])),
  };
  const x = sample([3, 8, 8, 1]);
  expectNoLeak(() => {
    const { value, grads } = tf.variableGrads(
      () => tf.sum(run(forward, parameters, x, { training: { seed: 1, step: 0 } }).output),
      Object.values(parameters),
    );
    return [value, ...Object.values(grads)];
  });
});

test('a missing parameter is an error that names it', () => {
  const forward = only((net, x) => net.linear('head', x, { out: 1 }));
  expect(() => run(forward, {}, tf.ones([1, 1]))).toThrow('the network has no parameter head.weight');
});
