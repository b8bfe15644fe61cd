import { expect, test } from 'vitest';
import type { Forward, Net } from './network.ts';
import { trace } from './trace.ts';

const only = (layer: <T>(net: Net<T>, x: T) => T): Forward => layer;

test('counts a convolution by hand', () => {
  const plan = trace(
    only((net, x) => net.conv('c', x, { out: 16, kernel: 3, stride: 2, padding: 1 })),
    [32, 32, 3],
  );
  expect(plan.outputShape).toEqual([16, 16, 16]);
  expect(plan.parameterCount).toBe(3 * 3 * 3 * 16 + 16);
  // Each of 16·16·16 outputs: 27 multiply-adds and one addition of the bias.
  expect(plan.flops).toBe(16 * 16 * 16 * (2 * 27 + 1));
  expect(plan.activations).toBe(16 * 16 * 16);
  expect(plan.parameters).toEqual([
    {
      name: 'c.weight',
      shape: [3, 3, 3, 16],
      initializer: { type: 'uniform', bound: 1 / Math.sqrt(27) },
      interchange: [3, 2, 0, 1],
      trainable: true,
    },
    {
      name: 'c.bias',
      shape: [16],
      initializer: { type: 'uniform', bound: 1 / Math.sqrt(27) },
      interchange: [0],
      trainable: true,
    },
  ]);
});

test('counts a linear layer by hand, with and without a bias', () => {
  const layer = (bias: boolean) =>
    trace(
      only((net, x) => net.linear('l', x, { out: 10, bias })),
      [256],
    );
  expect(layer(true)).toMatchObject({ parameterCount: 2570, flops: 10 * 513, outputShape: [10] });
  expect(layer(false)).toMatchObject({ parameterCount: 2560, flops: 10 * 512 });
  expect(layer(true).parameters[0]).toMatchObject({ shape: [256, 10], interchange: [1, 0] });
});

test('counts pooling, relu and batch normalisation by hand', () => {
  const pool = trace(
    only((net, x) => net.maxPool(x, { size: 2 })),
    [5, 6, 4],
  );
  expect(pool).toMatchObject({ outputShape: [2, 3, 4], flops: 2 * 3 * 4 * 4, parameterCount: 0 });
  expect(
    trace(
      only((net, x) => net.relu(x)),
      [5, 6, 4],
    ).flops,
  ).toBe(120);
  const normal = trace(
    only((net, x) => net.batchNorm('bn', x)),
    [5, 6, 4],
  );
  expect(normal).toMatchObject({ outputShape: [5, 6, 4], flops: 240, parameterCount: 8 });
  expect(normal.parameters.map(({ name, trainable, initializer }) => [name, trainable, initializer])).toEqual(
    [
      ['bn.weight', true, { type: 'constant', value: 1 }],
      ['bn.bias', true, { type: 'constant', value: 0 }],
      ['bn.running_mean', false, { type: 'constant', value: 0 }],
      ['bn.running_var', false, { type: 'constant', value: 1 }],
    ],
  );
});

test('a whole net is the sum of its layers', () => {
  const plan = trace(
    only((net, x) => {
      const map = net.tap('map', net.relu(net.conv('c', x, { out: 2, kernel: 3, bias: false })));
      return net.tap('logits', net.linear('l', net.dropout('d', net.flatten(map), 0.5), { out: 3 }));
    }),
    [4, 4, 1],
  );
  expect(plan.taps).toEqual({ map: [2, 2, 2], logits: [3] });
  expect(plan.parameterCount).toBe(18 + 8 * 3 + 3);
  expect(plan.flops).toBe(8 * 18 + 8 + 3 * 17);
  expect(plan.activations).toBe(8 + 8 + 8 + 8 + 3);
});

test.each<[string, number[], <T>(net: Net<T>, x: T) => T, RegExp]>([
  [
    'a kernel larger than its input',
    [2, 2, 1],
    (net, x) => net.conv('c', x, { out: 1, kernel: 3 }),
    /^c: .*\[0,0,1\]/,
  ],
  ['a pool larger than its input', [1, 1, 1], (net, x) => net.maxPool(x, { size: 2 }), /too small/],
  ['a convolution of a vector', [9], (net, x) => net.conv('c', x, { out: 1, kernel: 1 }), /^c: .*not \[9\]/],
  ['a linear layer on a map', [2, 2, 1], (net, x) => net.linear('l', x, { out: 1 }), /^l: .*not \[2,2,1\]/],
  [
    'two parameters of one name',
    [4],
    (net, x) => net.linear('l', net.linear('l', x, { out: 4 }), { out: 4 }),
    /two parameters are named l\.weight/,
  ],
  ['two taps of one name', [4], (net, x) => net.tap('t', net.tap('t', x)), /two taps are named t/],
])('refuses %s', (_what, shape, forward, message) => {
  expect(() => trace(forward, shape)).toThrow(message);
  expect(() => trace(forward, shape)).toThrow(RangeError);
});
