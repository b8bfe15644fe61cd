import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { initialValues } from './initialize.ts';
import type { Forward, Net } from './network.ts';
import { run, type Tensors } from './run.ts';
import { startEngine } from './backends/start.ts';
import { sample } from './testing/tensors.ts';
import { trace } from './trace.ts';

beforeAll(() => startEngine());

const zoo: [string, number[], <T>(net: Net<T>, x: T) => T][] = [
  ['linear', [7], (net, x) => net.linear('l', x, { out: 3 })],
  ['linear without bias', [7], (net, x) => net.linear('l', x, { out: 3, bias: false })],
  ['same convolution', [5, 6, 2], (net, x) => net.conv('c', x, { out: 3, kernel: 3, padding: 1 })],
  ['valid convolution', [5, 6, 2], (net, x) => net.conv('c', x, { out: 3, kernel: 3 })],
  ['even kernel', [5, 6, 2], (net, x) => net.conv('c', x, { out: 3, kernel: 2, padding: 1 })],
  [
    'strided convolution',
    [7, 8, 2],
    (net, x) => net.conv('c', x, { out: 3, kernel: 3, stride: 2, padding: 1 }),
  ],
  ['stem', [15, 15, 3], (net, x) => net.conv('c', x, { out: 3, kernel: 7, stride: 2, padding: 3 })],
  ['projection', [7, 8, 2], (net, x) => net.conv('c', x, { out: 3, kernel: 1, stride: 2, bias: false })],
  ['wide padding', [3, 3, 1], (net, x) => net.conv('c', x, { out: 2, kernel: 3, padding: 2 })],
  ['pooling', [5, 6, 2], (net, x) => net.maxPool(x, { size: 2 })],
  ['overlapping pooling', [7, 8, 2], (net, x) => net.maxPool(x, { size: 3, stride: 2 })],
  ['enlarging convolution', [3, 2, 4], (net, x) => net.enlarge('e', x, { out: 3, factor: 2 })],
  ['depthwise convolution', [5, 6, 4], (net, x) => net.depthwise('d', x, { kernel: 3, padding: 1 })],
  [
    'strided depthwise convolution',
    [7, 8, 4],
    (net, x) => net.depthwise('d', x, { kernel: 3, stride: 2, padding: 1 }),
  ],
  ['average pooling', [7, 8, 2], (net, x) => net.averagePool(x, { size: 3, stride: 2 })],
  ['mean of a map', [7, 8, 3], (net, x) => net.globalAveragePool(x)],
  ['relu6', [4, 5, 2], (net, x) => net.relu6(x)],
  [
    'channels that are cut, joined and shuffled',
    [4, 5, 6],
    (net, x) => {
      const half = net.slice(x, { from: 0, to: 3 });
      return net.shuffle(net.concat([half, net.slice(x, { from: 3, to: 6 }), half]), 3);
    },
  ],
  [
    'residual block',
    [8, 8, 3],
    (net, x) => {
      const conv = (name: string, y: typeof x, stride: number) =>
        net.batchNorm(
          `${name}.1`,
          net.conv(`${name}.0`, y, { out: 4, kernel: 3, stride, padding: 1, bias: false }),
        );
      const sum = net.add(conv('b', net.relu(conv('a', x, 2)), 1), conv('s', x, 2));
      return net.tap('post', net.relu(net.tap('pre', sum)));
    },
  ],
  ['flattening twice', [2, 3, 4], (net, x) => net.flatten(net.flatten(x))],
  ['linear layer on a sequence', [5, 4], (net, x) => net.linear('l', x, { out: 3 })],
  ['flattening a sequence', [5, 4], (net, x) => net.flatten(x)],
  ['layer normalisation and gelu', [5, 4], (net, x) => net.gelu(net.layerNorm('n', x))],
  [
    'patches with a token before them',
    [4, 6, 3],
    (net, x) => {
      const initial = { type: 'normal', deviation: 0.02 } as const;
      const patches = net.tokens(net.conv('p', x, { out: 5, kernel: 2, stride: 2 }));
      return net.token(net.positions('table', net.prepend('first', patches, initial), initial), 0);
    },
  ],
  [
    'attention of two heads',
    [5, 4],
    (net, x) => {
      const { output, scores } = net.attention('a', x, x, net.gelu(x), { heads: 2, dropout: 0.5 });
      net.tap('scores', scores);
      return net.meanOfTokens(net.add(output, net.slice(x, { from: 0, to: 4 })));
    },
  ],
  ['padded pooling', [7, 8, 2], (net, x) => net.maxPool(x, { size: 3, stride: 2, padding: 1 })],
  ['mean as a map', [7, 8, 3], (net, x) => net.meanMap(x)],
  [
    'depthwise convolution with bias',
    [5, 6, 4],
    (net, x) => net.depthwise('d', x, { kernel: 3, padding: 1, bias: true }),
  ],
  [
    'weighed and scaled channels',
    [4, 5, 3],
    (net, x) => net.channelScale('s', net.multiply(x, net.activate(net.meanMap(x), 'sigmoid')), 0.5),
  ],
  ['functions of numbers', [4, 5, 3], (net, x) => net.activate(net.activate(x, 'silu'), 'hard_swish')],
  ['linear layer on a map', [4, 5, 3], (net, x) => net.linear('l', net.layerNorm('n', x), { out: 2 })],
  ['stochastic depth', [4, 5, 3], (net, x) => net.dropPath('p', x, 0.5)],
  [
    'a table of positions',
    [5, 4],
    (net, x) => net.positionTable('t', x, { rows: 7, initial: { type: 'normal', deviation: 1 } }),
  ],
  [
    'all of them',
    [12, 12, 3],
    (net, x) => {
      let y = net.relu(net.batchNorm('bn', net.conv('c', x, { out: 4, kernel: 3, padding: 1, bias: false })));
      y = net.tap('stage1', net.maxPool(y, { size: 2 }));
      y = net.tap('features', net.relu(net.linear('l1', net.flatten(y), { out: 6 })));
      y = net.batchNorm('bn2', net.dropout('d', y, 0.5));
      return net.tap('logits', net.linear('l2', y, { out: 3 }));
    },
  ],
];

test('a free parameter is planned, counted and used', () => {
  const forward: Forward = (net) => net.freeParameter('alpha', [2, 3], 5);
  const plan = trace(forward, [4]);
  expect(plan).toMatchObject({ outputShape: [2, 3], parameterCount: 6, flops: 0 });
  expect(plan.parameters).toEqual([
    {
      name: 'alpha',
      shape: [2, 3],
      initializer: { type: 'constant', value: 5 },
      interchange: [0, 1],
      trainable: true,
    },
  ]);
  const values = initialValues(plan.parameters, 1);
  expect([...values.alpha]).toEqual([5, 5, 5, 5, 5, 5]);
  const alpha = sample([2, 3], 1);
  expect([...run(forward, { alpha }, sample([2, 4])).output.dataSync()]).toEqual([...alpha.dataSync()]);
});

test.each(zoo)('%s: the plan agrees with the run', (_name, inputShape, layers) => {
  const shapes: string[] = [];
  // The input and output are tapped too, so that every net has taps.
  const forward: Forward = (net, x) => {
    shapes.push(net.shape(x).join());
    const y = net.tap('out', layers(net, net.tap('in', x)));
    shapes.push(net.shape(y).join());
    return y;
  };
  const plan = trace(forward, inputShape);
  const values = initialValues(plan.parameters, 1);
  const used = new Set<string>();
  tf.tidy(() => {
    const parameters: Tensors = Object.fromEntries(
      plan.parameters.map(({ name, shape }) => [name, tf.tensor(values[name], shape)]),
    );
    const watched = new Proxy(parameters, {
      get: (target, name: string) => {
        used.add(name);
        return target[name];
      },
    });
    for (const options of [{}, { training: { seed: 1, step: 0 } }]) {
      const { output, taps, statistics } = run(forward, watched, sample([2, ...inputShape]), options);
      expect(output.shape).toEqual([2, ...plan.outputShape]);
      expect(
        Object.fromEntries(Object.entries(taps).map(([name, tap]) => [name, tap.shape.slice(1)])),
      ).toEqual(plan.taps);
      expect(Object.keys(taps)).toEqual(Object.keys(plan.taps));
      expect(output.dataSync().every(Number.isFinite)).toBe(true);
      expect(Object.keys(statistics)).toEqual(
        'training' in options ? plan.parameters.filter((p) => !p.trainable).map((p) => p.name) : [],
      );
      tf.dispose(statistics);
    }
  });
  // Both walks use the same parameters and see the same shapes.
  expect([...used].sort()).toEqual(plan.parameters.map(({ name }) => name).sort());
  expect(shapes.slice(2, 4)).toEqual(shapes.slice(0, 2));
  expect(plan.parameterCount).toBe(
    plan.parameters.filter((p) => p.trainable).reduce((sum, { name }) => sum + values[name].length, 0),
  );
});
