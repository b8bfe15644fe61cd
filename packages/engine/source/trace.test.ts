import { expect, test } from 'vitest';
import type { Forward, Net } from './network.ts';
import { trace } from './trace.ts';

const zero = { type: 'constant', value: 0 } as const;
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

test('counts a convolution that enlarges by hand', () => {
  const plan = trace((net, x) => net.enlarge('e', x, { out: 5, factor: 2 }), [3, 2, 4]);
  expect(plan.outputShape).toEqual([6, 4, 5]);
  // 4·4·4·5 weights and 5 biases; each of 3·2 positions meets every weight, and each output gets a bias.
  expect(plan.parameterCount).toBe(4 * 4 * 4 * 5 + 5);
  expect(plan.flops).toBe(3 * 2 * (4 * 4 * 4 * 5) * 2 + 6 * 4 * 5);
  expect(plan.parameters[0]).toMatchObject({
    shape: [4, 4, 5, 4],
    interchange: [3, 2, 0, 1],
    initializer: { type: 'uniform', bound: 1 / Math.sqrt(4 * 4 * 5) },
  });
});

test('counts a depthwise convolution by hand', () => {
  const plan = trace(
    only((net, x) => net.depthwise('d', x, { kernel: 3, stride: 2, padding: 1 })),
    [32, 31, 6],
  );
  expect(plan.outputShape).toEqual([16, 16, 6]);
  expect(plan.parameterCount).toBe(3 * 3 * 6);
  expect(plan.flops).toBe(16 * 16 * 6 * 2 * 9);
  expect(plan.activations).toBe(16 * 16 * 6);
  expect(plan.parameters).toEqual([
    {
      name: 'd.weight',
      shape: [3, 3, 6, 1],
      initializer: { type: 'uniform', bound: 1 / 3 },
      // PyTorch's [6, 1, 3, 3]
      interchange: [2, 3, 0, 1],
      trainable: true,
    },
  ]);
});

test('initial values are those that a layer requests', () => {
  const initialWeight = { type: 'normal', deviation: 0.25 } as const;
  const initialBias = { type: 'constant', value: 0 } as const;
  const plan = trace(
    only((net, x) => {
      const y = net.conv('c', x, { out: 2, kernel: 1, initialWeight, initialBias });
      const z = net.depthwise('d', y, { kernel: 1, initialWeight });
      return net.linear('l', net.flatten(z), { out: 2, initialBias });
    }),
    [2, 2, 1],
  );
  expect(plan.parameters.map(({ name, initializer }) => [name, initializer])).toEqual([
    ['c.weight', initialWeight],
    ['c.bias', initialBias],
    ['d.weight', initialWeight],
    ['l.weight', { type: 'uniform', bound: 1 / Math.sqrt(8) }],
    ['l.bias', initialBias],
  ]);
});

test('counts sums, averages and rearranged channels by hand', () => {
  const of = (layer: <T>(net: Net<T>, x: T) => T) => trace(only(layer), [5, 6, 4]);
  const size = 5 * 6 * 4;
  expect(of((net, x) => net.add(x, x))).toMatchObject({
    outputShape: [5, 6, 4],
    flops: size,
    activations: size,
  });
  expect(of((net, x) => net.relu6(x))).toMatchObject({
    outputShape: [5, 6, 4],
    flops: 2 * size,
    activations: size,
  });
  expect(of((net, x) => net.averagePool(x, { size: 3, stride: 2 }))).toMatchObject({
    outputShape: [2, 2, 4],
    flops: 2 * 2 * 4 * 9,
    activations: 16,
  });
  expect(of((net, x) => net.globalAveragePool(x))).toMatchObject({
    outputShape: [4],
    flops: size,
    activations: 4,
  });
  expect(of((net, x) => net.concat([x, net.slice(x, { from: 1, to: 3 })]))).toMatchObject({
    outputShape: [5, 6, 6],
    flops: 0,
    activations: 5 * 6 * (2 + 6),
  });
  expect(of((net, x) => net.shuffle(x, 2))).toMatchObject({
    outputShape: [5, 6, 4],
    flops: 0,
    activations: size,
  });
});

test('counts the layers of sequences by hand', () => {
  const of = (layer: <T>(net: Net<T>, x: T) => T, shape = [5, 6]) => trace(only(layer), shape);
  const initial = { type: 'normal', deviation: 0.02 } as const;
  const table = (shape: number[]) => ({
    shape,
    initializer: initial,
    interchange: [0, 1, 2],
    trainable: true,
  });
  expect(of((net, x) => net.linear('l', x, { out: 3 }))).toMatchObject({
    outputShape: [5, 3],
    parameterCount: 6 * 3 + 3,
    flops: 5 * 3 * 13,
    activations: 15,
  });
  expect(of((net, x) => net.layerNorm('n', x))).toMatchObject({ outputShape: [5, 6], flops: 210 });
  expect(of((net, x) => net.layerNorm('n', x)).parameters).toMatchObject([
    { name: 'n.weight', shape: [6], initializer: { type: 'constant', value: 1 }, trainable: true },
    { name: 'n.bias', shape: [6], initializer: { type: 'constant', value: 0 }, trainable: true },
  ]);
  expect(of((net, x) => net.gelu(x))).toMatchObject({ outputShape: [5, 6], flops: 150, activations: 30 });
  expect(of((net, x) => net.scale(x, 3))).toMatchObject({ outputShape: [5, 6], flops: 30, activations: 30 });
  expect(of((net, x) => net.tokens(x), [2, 3, 4])).toMatchObject({ outputShape: [6, 4], flops: 0 });
  expect(of((net, x) => net.flatten(x))).toMatchObject({ outputShape: [30], flops: 0 });
  expect(of((net, x) => net.slice(x, { from: 1, to: 3 }))).toMatchObject({ outputShape: [5, 2] });
  const prepended = of((net, x) => net.prepend('first', x, initial));
  expect(prepended).toMatchObject({ outputShape: [6, 6], flops: 0, parameterCount: 6 });
  expect(prepended.parameters).toEqual([{ name: 'first', ...table([1, 1, 6]) }]);
  const placed = of((net, x) => net.positions('table', x, initial));
  expect(placed).toMatchObject({ outputShape: [5, 6], flops: 30, parameterCount: 30 });
  expect(placed.parameters).toEqual([{ name: 'table', ...table([1, 5, 6]) }]);
  expect(of((net, x) => net.token(x, 4))).toMatchObject({ outputShape: [6], flops: 0 });
  expect(of((net, x) => net.meanOfTokens(x))).toMatchObject({ outputShape: [6], flops: 30 });
  const embedded = of((net, x) => net.embedding('e', x, { vocabulary: 7, width: 4 }), [5]);
  expect(embedded).toMatchObject({ outputShape: [5, 4], flops: 0, parameterCount: 28 });
  expect(embedded.parameters).toEqual([
    {
      name: 'e.weight',
      shape: [7, 4],
      initializer: { type: 'normal', deviation: 1 },
      interchange: [0, 1],
      trainable: true,
    },
  ]);
  const attention = of((net, x) => {
    const { output, scores } = net.attention('a', x, x, x, { heads: 3 });
    net.tap('scores', scores);
    return output;
  });
  expect(attention).toMatchObject({ outputShape: [5, 6], taps: { scores: [3, 5, 5] }, parameterCount: 0 });
  // Two products of 5·5·6 multiply-adds, the scale of 5·6 queries, four operations for each of 3·5·5 scores.
  expect(attention.flops).toBe(2 * 2 * 150 + 30 + 4 * 75);
  expect(attention.activations).toBe(2 * 75 + 30);
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
  [
    'a linear layer on four axes',
    [2, 2, 1, 1],
    (net, x) => net.linear('l', x, { out: 1 }),
    /^l: .*not \[2,2,1,1\]/,
  ],
  [
    'two parameters of one name',
    [4],
    (net, x) => net.linear('l', net.linear('l', x, { out: 4 }), { out: 4 }),
    /two parameters are named l\.weight/,
  ],
  [
    'a depthwise kernel larger than its input',
    [2, 2, 1],
    (net, x) => net.depthwise('d', x, { kernel: 3 }),
    /^d: .*\[0,0,1\]/,
  ],
  [
    'a sum of unlike maps',
    [4, 4, 2],
    (net, x) => net.add(x, net.maxPool(x, { size: 2 })),
    /^add: .*\[4,4,2\] and \[2,2,2\]/,
  ],
  [
    'maps of unlike size in one',
    [4, 4, 2],
    (net, x) => net.concat([x, net.maxPool(x, { size: 2 })]),
    /^concat: .*\[4,4,2\] and \[2,2,2\]/,
  ],
  ['nothing to concatenate', [4, 4, 2], (net) => net.concat([]), /^concat: takes a map/],
  [
    'channels that are not there',
    [4, 4, 2],
    (net, x) => net.slice(x, { from: 1, to: 3 }),
    /^slice: \[4,4,2\] .*from 1 up to 3/,
  ],
  ['no channels', [4, 4, 2], (net, x) => net.slice(x, { from: 1, to: 1 }), /from 1 up to 1/],
  [
    'unequal groups',
    [4, 4, 3],
    (net, x) => net.shuffle(x, 2),
    /^shuffle: the 3 channels .*not divisible by 2 groups/,
  ],
  ['the mean of a vector', [4], (net, x) => net.globalAveragePool(x), /^globalAveragePool: .*not \[4\]/],
  ['tokens of a vector', [4], (net, x) => net.tokens(x), /^tokens: .*not \[4\]/],
  ['positions of a vector', [4], (net, x) => net.positions('p', x, zero), /^p: .*not \[4\]/],
  ['a token before a vector', [4], (net, x) => net.prepend('p', x, zero), /^p: .*not \[4\]/],
  ['a missing token', [3, 4], (net, x) => net.token(x, 3), /^token: \[3,4\] has no token 3/],
  [
    'ids with a width',
    [3, 4],
    (net, x) => net.embedding('e', x, { vocabulary: 2, width: 2 }),
    /^e: takes ids .*not \[3,4\]/,
  ],
  ['a mask of a sequence', [3, 4], (net, x) => net.present(x, 0), /^present: takes ids .*not \[3,4\]/],
  [
    'a mask of other length',
    [3, 4],
    (net, x) => net.meanOfTokens(x, net.token(x, 0)),
    /^meanOfTokens: the mask \[4\] does not fit 3 tokens/,
  ],
  [
    'unequal heads',
    [3, 4],
    (net, x) => net.attention('a', x, x, x, { heads: 3 }).output,
    /^a: the width 4 is not divisible by 3 heads/,
  ],
  [
    'values of another width',
    [3, 4],
    (net, x) => net.attention('a', x, x, net.slice(x, { from: 0, to: 2 }), { heads: 2 }).output,
    /^a: queries \[3,4\], keys \[3,4\] and values \[3,2\]/,
  ],
  ['two taps of one name', [4], (net, x) => net.tap('t', net.tap('t', x)), /two taps are named t/],
])('refuses %s', (_what, shape, forward, message) => {
  expect(() => trace(forward, shape)).toThrow(message);
  expect(() => trace(forward, shape)).toThrow(RangeError);
});
