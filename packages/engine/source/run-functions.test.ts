import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './backends/start.ts';
import { gradientsOf } from './gradients.ts';
import type { ActivationFunction, Forward } from './network.ts';
import { run, type Tensors } from './run.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from './testing/tensors.ts';
import { trace } from './trace.ts';

beforeAll(() => startEngine());

const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));
const outputOf = (forward: Forward, x: tf.Tensor, parameters: Tensors = {}) =>
  run(forward, parameters, x).output;

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const hard = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
const functions: Record<ActivationFunction, (x: number) => number> = {
  sigmoid: logistic,
  silu: (x) => x * logistic(x),
  hard_sigmoid: hard,
  hard_swish: (x) => x * hard(x),
  tanh: Math.tanh,
};

test.each(Object.keys(functions) as ActivationFunction[])('%s: values and gradient', (by) => {
  const numbers = [-8, -3.5, -1, 0, 0.5, 2, 3.5, 8];
  const forward: Forward = (net, x) => net.activate(x, by);
  expectClose(outputOf(forward, tf.tensor([numbers])), numbers.map(functions[by]));
  // Away from the kinks at ±3.
  expectGradient((x) => weighted(outputOf(forward, x)), [sample([2, 3, 4])]);
});

describe('padded max pooling', () => {
  const forward: Forward = (net, x) => net.maxPool(x, { size: 3, stride: 2, padding: 1 });

  test('never prefers what is padded, as in PyTorch', () => {
    // max_pool2d(-arange(1, 17).reshape(1, 1, 4, 4), 3, 2, 1)
    const x = tf.tensor(
      Array.from({ length: 16 }, (_, i) => -1 - i),
      [1, 4, 4, 1],
    );
    expectClose(outputOf(forward, x), [-1, -2, -5, -6]);
  });

  test('has the gradient that finite differences give', () => {
    expectGradient((x) => weighted(outputOf(forward, x)), [sample([1, 5, 6, 2])], { step: 2 ** -8 });
  });

  test('refuses a padding that a window could lie in', () => {
    expect(() => trace((net, x) => net.maxPool(x, { size: 3, padding: 2 }), [8, 8, 1])).toThrow(
      'the padding 2 is more than half of the window of 3',
    );
  });
});

test('channels are multiplied by the numbers of a map of one position, and by trained ones', () => {
  const x = tf.tensor([1, 2, 3, 4], [1, 1, 2, 2]);
  // The means of the channels are 2 and 3.
  expectClose(
    outputOf((net, y) => net.multiply(y, net.meanMap(y)), x),
    [2, 6, 6, 12],
  );
  const scale = tf.tensor([10, 100], [1, 1, 2]);
  const scaled: Forward = (net, y) => net.channelScale('s', y, 1);
  expectClose(outputOf(scaled, x, { s: scale }), [10, 200, 30, 400]);
  expectGradient(
    (y, s) =>
      weighted(outputOf((net, z) => net.channelScale('s', net.multiply(z, net.meanMap(z)), 1), y, { s })),
    [sample([2, 3, 2, 2]), sample([1, 1, 2], 1)],
  );
  expect(() => trace((net, y) => net.multiply(y, net.slice(y, { from: 0, to: 1 })), [2, 2, 3])).toThrow(
    'multiply: [2,2,1] is neither [2,2,3] nor [1,1,3]',
  );
});

test('a layer scale has the shape of PyTorch in files', () => {
  const { parameters } = trace((net, x) => net.channelScale('s', x, 0.1), [4, 4, 3]);
  expect(parameters).toMatchObject([{ name: 's', shape: [1, 1, 3], interchange: [2, 0, 1] }]);
});

test('a depthwise convolution adds its bias, and a linear layer works at each position of a map', () => {
  const x = tf.tensor([1, 2, 3, 4], [1, 1, 2, 2]);
  const weights = { 'd.weight': tf.ones([1, 1, 2, 1]), 'd.bias': tf.tensor([10, 20]) };
  expectClose(
    outputOf((net, y) => net.depthwise('d', y, { kernel: 1, bias: true }), x, weights),
    [11, 22, 13, 24],
  );
  const linear = { 'l.weight': tf.tensor([1, 10], [2, 1]), 'l.bias': tf.tensor([0.5]) };
  const y = outputOf((net, map) => net.linear('l', map, { out: 1 }), x, linear);
  expect(y.shape).toEqual([1, 1, 2, 1]);
  expectClose(y, [21.5, 43.5]);
  expectGradient(
    (map, weight, bias) =>
      weighted(
        outputOf((net, z) => net.depthwise('d', z, { kernel: 3, padding: 1, bias: true }), map, {
          'd.weight': weight,
          'd.bias': bias,
        }),
      ),
    [sample([1, 3, 4, 2]), sample([3, 3, 2, 1], 1), sample([2], 2)],
  );
});

describe('stochastic depth', () => {
  const forward: Forward = (net, x) => net.dropPath('p', x, 0.25);
  const x = () => tf.ones([64, 2, 2, 3]);

  test('drops whole samples in training alone, and scales up the others', () => {
    expectClose(outputOf(forward, x()), Array<number>(64 * 12).fill(1));
    const training = { seed: 1, step: 0 };
    const { output } = run(forward, {}, x(), { training });
    const values = [...output.dataSync()];
    const samples = Array.from({ length: 64 }, (_, i) => new Set(values.slice(12 * i, 12 * i + 12)));
    expect(samples.every(({ size }) => size === 1)).toBe(true);
    const kept = samples.filter((one) => Math.abs([...one][0] - 4 / 3) < 1e-6).length;
    expect(samples.filter((one) => one.has(0)).length).toBe(64 - kept);
    expect(kept).toBeGreaterThan(36);
    expect(kept).toBeLessThan(60);
    // Another step drops others; the same one the same.
    const again = (step: number) => [
      ...run(forward, {}, x(), { training: { seed: 1, step } }).output.dataSync(),
    ];
    expect(again(0)).toEqual(values);
    expect(again(1)).not.toEqual(values);
  });
});

describe('texts', () => {
  const initial = { type: 'normal', deviation: 1 } as const;

  test('get the first rows of a table of positions, and a text longer than the table is refused', () => {
    const forward: Forward = (net, x) => net.positionTable('p', x, { rows: 3, initial });
    const table = tf.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
    expectClose(outputOf(forward, tf.zeros([1, 2, 2]), { 'p.weight': table }), [1, 2, 3, 4]);
    expectGradient(
      (x, p) => weighted(outputOf(forward, x, { 'p.weight': p })),
      [sample([2, 2, 2]), sample([3, 2], 1)],
    );
    expect(() => trace(forward, [4, 2])).toThrow('p: has positions for 3 tokens, and the texts have 4');
  });

  test('get the second segment behind the first separator', () => {
    const forward: Forward = (net, ids) => {
      const zeros = net.embedding('e', ids, { vocabulary: 10, width: 1 });
      return net.segments('s', zeros, ids, { separator: 9, initial });
    };
    const parameters = { 'e.weight': tf.zeros([10, 1]), 's.weight': tf.tensor([1, 2], [2, 1]) };
    expectClose(outputOf(forward, tf.tensor([[3, 9, 4, 9, 0]]), parameters), [1, 1, 2, 2, 2]);
    const one: Forward = (net, ids) =>
      net.segments('s', net.embedding('e', ids, { vocabulary: 10, width: 1 }), ids, { initial });
    expectClose(outputOf(one, tf.tensor([[3, 9, 4, 9, 0]]), parameters), [1, 1, 1, 1, 1]);
    expectGradient(
      (s) => weighted(outputOf(forward, tf.tensor([[3, 9, 4]]), { ...parameters, 's.weight': s })),
      [sample([2, 1])],
    );
  });
});

test('BatchNorm takes another epsilon and momentum', () => {
  const forward: Forward = (net, x) => net.batchNorm('b', x, { epsilon: 1, momentum: 0.5 });
  const parameters = {
    'b.weight': tf.ones([1]),
    'b.bias': tf.zeros([1]),
    'b.running_mean': tf.tensor([2]),
    'b.running_var': tf.tensor([3]),
  };
  expectClose(outputOf(forward, tf.tensor([[6], [2]]), parameters), [2, 0]);
  const { output, statistics } = run(forward, parameters, tf.tensor([[1], [3]]), {
    training: { seed: 1, step: 0 },
  });
  // The mean is 2, the population variance 1 and the sample variance 2.
  expectClose(output, [-Math.SQRT1_2, Math.SQRT1_2]);
  expectClose(statistics['b.running_mean'], [2]);
  expectClose(statistics['b.running_var'], [2.5]);
  tf.dispose(statistics);
});

test('a step through these layers leaves no tensors behind', () => {
  const forward: Forward = (net, x) => {
    let y = net.maxPool(net.depthwise('d', x, { kernel: 3, padding: 1, bias: true }), {
      size: 3,
      stride: 2,
      padding: 1,
    });
    y = net.multiply(y, net.activate(net.meanMap(y), 'hard_sigmoid'));
    y = net.dropPath('p', net.channelScale('s', net.activate(y, 'hard_swish'), 1), 0.5);
    y = net.linear('l', net.activate(net.activate(y, 'silu'), 'tanh'), { out: 2, bias: false });
    return net.globalAveragePool(y);
  };
  const variables: Record<string, tf.Variable> = {
    'd.weight': tf.variable(sample([3, 3, 4, 1])),
    'd.bias': tf.variable(sample([4])),
    s: tf.variable(sample([1, 1, 4], 1)),
    'l.weight': tf.variable(sample([4, 2], 2)),
  };
  const x = sample([3, 8, 8, 4]);
  const training = { seed: 1, step: 0 };
  expectNoLeak(() => gradientsOf(() => tf.sum(run(forward, variables, x, { training }).output), variables));
});
