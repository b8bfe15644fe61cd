import { gradientsOf, initialValues, run, startEngine, trace } from '@distillery/engine';
import { fieldErrors } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { architectures, bind } from '../index.ts';

beforeAll(() => startEngine());

const parse = (layers: unknown, options: object = {}) =>
  architectures.schema.parse({ type: 'layers', layers, ...options });
const boundTo = (layers: unknown, classes: number, options: object = {}) =>
  bind(architectures.get('layers'), parse(layers, options), { classes });
const planOf = (layers: unknown, classes = 10, shape = [32, 32, 3], options: object = {}) =>
  trace(boundTo(layers, classes, options), shape);
/** Returns the errors of a job spec with these layers. */
function refusals(layers: unknown) {
  const given = { type: 'layers', layers };
  const { error } = architectures.schema.safeParse(given);
  return error === undefined ? [] : fieldErrors(error, given);
}

const plain = [
  { layer: 'conv2d', name: 'c1', filters: 32, kernel_size: 3, padding: 'same', activation: 'relu' },
  { layer: 'batch_normalization', name: 'n1' },
  { layer: 'max_pooling2d', name: 'p1' },
  { layer: 'conv2d', filters: 16, kernel_size: 3, strides: 1, padding: 'valid', use_bias: false },
  { layer: 'average_pooling2d', pool_size: 3, strides: 2 },
  { layer: 'flatten' },
  { layer: 'dense', name: 'd1', units: 128, activation: 'relu' },
  { layer: 'dropout', rate: 0.1 },
  { layer: 'dense', name: 'd2', units: 10, activation: 'softmax' },
];

test('shapes, parameters and taps, by hand', () => {
  const plan = planOf(plain);
  expect(Object.entries(plan.taps)).toEqual([
    ['c1_pre', [32, 32, 32]],
    ['c1', [32, 32, 32]],
    ['n1', [32, 32, 32]],
    ['p1', [16, 16, 32]],
    ['d1_pre', [128]],
    ['d1', [128]],
    ['features', [128]],
    ['d2', [10]],
    ['logits', [10]],
  ]);
  // A 3×3 window fits 14 times into 16 and, with stride 2, 6 times into 14.
  const counts = [3 * 3 * 3 * 32 + 32, 2 * 32, 3 * 3 * 32 * 16, 6 * 6 * 16 * 128 + 128, 128 * 10 + 10];
  expect(plan.parameterCount).toBe(counts.reduce((sum, count) => sum + count));
  expect(plan.parameters.map(({ name }) => name)).toEqual([
    'c1.weight',
    'c1.bias',
    ...['weight', 'bias', 'running_mean', 'running_var'].map((part) => `n1.${part}`),
    'conv2d.weight',
    'd1.weight',
    'd1.bias',
    'd2.weight',
    'd2.bias',
  ]);
});

test('initial weights are those of Keras: Glorot for kernels and zeros for biases', () => {
  const first = (name: string) => planOf(plain).parameters.find((p) => p.name === name)?.initializer;
  expect(first('c1.weight')).toEqual({ type: 'uniform', bound: Math.sqrt(6 / (9 * 3 + 9 * 32)) });
  expect(first('d1.weight')).toEqual({ type: 'uniform', bound: Math.sqrt(6 / (576 + 128)) });
  expect(first('d1.bias')).toEqual({ type: 'constant', value: 0 });
  const he = { layer: 'dense', name: 'd', units: 2, kernel_initializer: 'he_normal' };
  expect(planOf([{ layer: 'flatten' }, he], 2, [2, 2, 1]).parameters[0].initializer).toEqual({
    type: 'normal',
    deviation: Math.sqrt(2 / 4),
  });
});

/** Names a tensor as Keras 3 does. */
const from = (name: string) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 8, 8, 4], dtype: 'float32', keras_history: [name, 0, 0] },
});
const entry = (className: string, config: object, inputs?: unknown) => ({
  module: 'keras.layers',
  class_name: className,
  config: { trainable: true, dtype: { class_name: 'DTypePolicy', config: { name: 'float32' } }, ...config },
  registered_name: null,
  build_config: { input_shape: [null, 8, 8, 4] },
  ...(inputs === undefined ? {} : { name: (config as { name: string }).name, inbound_nodes: inputs }),
});
const kerasConv = (name: string, inputs?: unknown) =>
  entry(
    'Conv2D',
    {
      name,
      filters: 4,
      kernel_size: [3, 3],
      strides: [1, 1],
      padding: 'same',
      data_format: 'channels_last',
      dilation_rate: [1, 1],
      groups: 1,
      activation: 'linear',
      use_bias: true,
      kernel_initializer: {
        module: 'keras.initializers',
        class_name: 'GlorotUniform',
        config: { seed: null },
      },
      bias_initializer: { module: 'keras.initializers', class_name: 'Zeros', config: {} },
      kernel_regularizer: null,
      kernel_constraint: null,
    },
    inputs,
  );
const kerasNorm = (name: string, inputs?: unknown) =>
  entry(
    'BatchNormalization',
    { name, axis: -1, momentum: 0.99, epsilon: 0.001, center: true, scale: true, synchronized: false },
    inputs,
  );
const kerasDense = (name: string, units: number, inputs?: unknown) =>
  entry('Dense', { name, units, activation: 'softmax', use_bias: true, kernel_regularizer: null }, inputs);

describe('entries in the form of Keras', () => {
  test('of a Sequential model define the same network as the readable list', () => {
    const model = {
      class_name: 'Sequential',
      config: {
        name: 'sequential',
        layers: [
          entry('InputLayer', { name: 'input_layer', batch_shape: [null, 8, 8, 4] }),
          kerasConv('c'),
          kerasNorm('n'),
          entry('ReLU', { name: 'r', max_value: null, negative_slope: 0, threshold: 0 }),
          entry('GlobalAveragePooling2D', { name: 'g', data_format: 'channels_last', keepdims: false }),
          kerasDense('d', 5),
        ],
      },
      keras_version: '3.5.0',
      backend: 'tensorflow',
    };
    const list = [
      { layer: 'conv2d', name: 'c', filters: 4, kernel_size: 3, padding: 'same' },
      { layer: 'batch_normalization', name: 'n' },
      { layer: 'relu', name: 'r' },
      { layer: 'global_average_pooling2d', name: 'g' },
      { layer: 'dense', name: 'd', units: 5, activation: 'softmax' },
    ];
    expect(parse(model)).toEqual(parse(list));
    expect(parse(model.config.layers)).toEqual(parse(list));
    // The parsed choice is a valid spec again.
    expect(architectures.schema.parse(parse(model))).toEqual(parse(model));
  });

  test.each([
    [
      '3',
      (...names: string[]) => [{ args: names.length > 1 ? [names.map(from)] : names.map(from), kwargs: {} }],
    ],
    ['2', (...names: string[]) => [names.map((name) => [name, 0, 0, {}])]],
  ])('of a functional model of Keras %s are connected by its edges', (_version, edges) => {
    const model = {
      class_name: 'Functional',
      config: {
        name: 'residual',
        layers: [
          entry('InputLayer', { name: 'pixels', batch_shape: [null, 8, 8, 4] }, []),
          kerasConv('a', edges('pixels')),
          entry('Activation', { name: 'act', activation: 'relu' }, edges('a')),
          kerasConv('b', edges('act')),
          entry('Add', { name: 'sum' }, edges('b', 'pixels')),
          entry('Concatenate', { name: 'both', axis: -1 }, edges('sum', 'act')),
          entry('Flatten', { name: 'flat', data_format: 'channels_last' }, edges('both')),
          entry('Dropout', { name: 'drop', rate: 0.5, seed: null, noise_shape: null }, edges('flat')),
          kerasDense('scores', 3, edges('drop')),
        ],
        input_layers: [['pixels', 0, 0]],
        output_layers: [['scores', 0, 0]],
      },
    };
    const { taps, parameterCount } = planOf(model, 3, [8, 8, 4]);
    expect(taps).toMatchObject({ sum: [8, 8, 4], act_pre: [8, 8, 4], both: [8, 8, 8], features: [512] });
    expect(parameterCount).toBe(2 * (9 * 4 * 4 + 4) + 512 * 3 + 3);
    const list = parse(model).layers as { inputs: string[] }[];
    expect(list.map(({ inputs }) => inputs)).toEqual([
      ['input'],
      ['a'],
      ['act'],
      ['b', 'input'],
      ['sum', 'act'],
      ['both'],
      ['flat'],
      ['drop'],
    ]);
  });
});

test('a sum reads the layers that its inputs name', () => {
  const layers = [
    { layer: 'conv2d', name: 'one', filters: 2, kernel_size: 1, use_bias: false },
    { layer: 'conv2d', name: 'two', filters: 2, kernel_size: 1, use_bias: false, inputs: ['input'] },
    { layer: 'add', name: 'sum', inputs: ['one', 'two', 'one'] },
    { layer: 'flatten' },
    { layer: 'dense', units: 2 },
  ];
  const forward = boundTo(layers, 2);
  const plan = trace(forward, [1, 1, 2]);
  const values: Record<string, number[]> = { 'one.weight': [1, 0, 0, 1], 'two.weight': [0, 3, 2, 0] };
  tf.tidy(() => {
    const parameters = Object.fromEntries(
      plan.parameters.map(({ name, shape }) => [
        name,
        name in values ? tf.tensor(values[name], shape) : tf.zeros(shape),
      ]),
    );
    const { taps } = run(forward, parameters, tf.tensor4d([5, 7], [1, 1, 1, 2]));
    // two: [2·7, 3·5]; the sum reads `one` twice.
    expect([...taps.sum.dataSync()]).toEqual([5 + 14 + 5, 7 + 15 + 7]);
    expect([...taps.features.dataSync()]).toEqual([24, 29]);
  });
});

test('"same" pads as Keras does if that is symmetric', () => {
  const conv = (options: object) => [
    { layer: 'conv2d', name: 'c', filters: 1, kernel_size: 3, padding: 'same', ...options },
    { layer: 'flatten' },
  ];
  const shapeOf = (side: number, options: object) =>
    planOf(conv(options), 2, [side, side, 1], { classifier: true }).taps.c;
  expect(shapeOf(32, {})).toEqual([32, 32, 1]);
  // (17 − 1)·2 + 3 − 33 = 2: one on each side.
  expect(shapeOf(33, { strides: 2 })).toEqual([17, 17, 1]);
  expect(shapeOf(32, { strides: 2, kernel_size: 2 })).toEqual([16, 16, 1]);
  expect(shapeOf(32, { strides: 2, kernel_size: 4 })).toEqual([16, 16, 1]);
  expect(() => shapeOf(32, { strides: 2 })).toThrow(
    'layers/0 (conv2d "c"): padding "same" of a 3×3 window at stride 2 needs 0 and 1 rows and 0 and 1 columns of zeros ' +
      'around a map of [32,32,1], but every side must have the same number: give the padding as a number, or "valid"',
  );
  expect(() => shapeOf(32, { kernel_size: 2 })).toThrow(RangeError);
  expect(shapeOf(32, { strides: 2, padding: 1 })).toEqual([16, 16, 1]);
});

describe('layers that do not fit are refused with their position and name', () => {
  test.each<[string, object[], RegExp]>([
    [
      'a pooled-away map',
      [{ layer: 'max_pooling2d', name: 'p', pool_size: 64 }, { layer: 'flatten' }],
      /^layers\/0 \(max_pooling2d "p"\): .* too small/,
    ],
    [
      'a dense layer on a map',
      [{ layer: 'dense', units: 3 }],
      /^layers\/0 \(dense "dense"\): .* takes a vector/,
    ],
    [
      'a padded pooling',
      [{ layer: 'max_pooling2d', pool_size: 3, strides: 1, padding: 'same' }, { layer: 'flatten' }],
      /needs 1 zeros on each side of the map, which poolings do not support/,
    ],
    [
      'maps of two shapes',
      [
        { layer: 'conv2d', name: 'c', filters: 3, kernel_size: 3 },
        { layer: 'add', name: 's', inputs: ['c', 'input'] },
      ],
      /^layers\/1 \(add "s"\): add: \[30,30,3\] and \[32,32,3\]/,
    ],
    ['two taps of one name', [{ layer: 'flatten', name: 'logits' }], /two taps are named logits/],
  ])('%s', (_name, list, message) => {
    expect(() => planOf(list, 10, [32, 32, 3], { classifier: true })).toThrow(RangeError);
    expect(() => planOf(list, 10, [32, 32, 3], { classifier: true })).toThrow(message);
  });

  test.each<[string, object[], RegExp]>([
    [
      'units for other classes',
      [{ layer: 'flatten' }, { layer: 'dense', units: 12 }],
      /^layers\/1: the last layer has 12 units, the data set 10 classes: give it 10 units, or set "classifier"/,
    ],
    ['no dense layer', [{ layer: 'flatten' }], /^the last layer is flatten: end in a dense layer/],
    [
      'a layer after the dense one',
      [{ layer: 'flatten' }, { layer: 'dense', units: 10 }, { layer: 'dropout', rate: 0.1 }],
      /^the last layer is dropout/,
    ],
    [
      'an activation of the logits',
      [{ layer: 'flatten' }, { layer: 'dense', units: 10, activation: 'relu' }],
      /the activation relu, but its output must be logits/,
    ],
    [
      'an early softmax',
      [{ layer: 'activation', activation: 'softmax' }, { layer: 'flatten' }, { layer: 'dense', units: 10 }],
      /^layers\/0: a softmax is only allowed in the last layer/,
    ],
  ])('an end with %s', (_name, list, message) => {
    expect(() => planOf(list)).toThrow(RangeError);
    expect(() => planOf(list)).toThrow(message);
  });

  test('a softmax after the last layer is allowed and ignored', () => {
    const list = [{ layer: 'flatten' }, { layer: 'dense', units: 10 }];
    const softmax = { layer: 'activation', activation: 'softmax' };
    expect(planOf([...list, softmax]).flops).toBe(planOf(list).flops);
  });
});

describe('invalid specs are refused with the path and the allowed values', () => {
  const flat = { layer: 'flatten' };
  test.each<[string, unknown, object]>([
    [
      'nothing',
      undefined,
      { path: '/layers', message: expect.stringMatching(/^must be a list of 1 to 512/) },
    ],
    ['an empty list', [], { path: '/layers' }],
    ['too many', Array.from({ length: 513 }, () => flat), { path: '/layers' }],
    [
      'an unknown layer',
      [{ layer: 'lstm' }],
      { path: '/layers/0/layer', value: 'lstm', allowed: expect.arrayContaining(['conv2d', 'dense', 'add']) },
    ],
    [
      'an unknown class',
      [entry('LSTM', { name: 'l' })],
      {
        path: '/layers/0/class_name',
        value: 'LSTM',
        allowed: expect.arrayContaining(['Conv2D', 'Dense', 'Add']),
      },
    ],
    [
      'an unknown option',
      [{ ...flat, size: 3 }],
      { path: '/layers/0/size', value: 3, message: 'is not an option of flatten: the options are none' },
    ],
    [
      'an unknown option in the form of Keras',
      [entry('Dense', { units: 3, lora_rank: 4 })],
      {
        path: '/layers/0/config/lora_rank',
        value: 4,
        message: 'is not an option of Dense: the options are units, activation, use_bias, kernel_initializer',
      },
    ],
    [
      'an option out of bounds',
      [{ layer: 'dense', units: 0 }],
      { path: '/layers/0/units', value: 0, allowed: { minimum: 1 } },
    ],
    [
      'an oblong kernel',
      [{ layer: 'conv2d', filters: 1, kernel_size: [3, 5] }],
      { path: '/layers/0/kernel_size', message: 'must be a whole number, or a list of two equal ones' },
    ],
    ['a missing option', [{ layer: 'dropout' }], { path: '/layers/0/rate' }],
    [
      'an activation',
      [{ layer: 'activation', activation: 'selu' }],
      { path: '/layers/0/activation', allowed: ['linear', 'relu', 'relu6', 'gelu', 'softmax'] },
    ],
    [
      'an initializer',
      [entry('Dense', { units: 3, kernel_initializer: { class_name: 'Orthogonal', config: {} } })],
      { path: '/layers/0/config/kernel_initializer' },
    ],
    [
      'channels first',
      [entry('Flatten', { data_format: 'channels_first' })],
      { path: '/layers/0/config/data_format', allowed: ['channels_last'] },
    ],
    [
      'a frozen layer',
      [entry('Flatten', { trainable: false })],
      { path: '/layers/0/config/trainable', message: 'must be true: frozen layers are not supported' },
    ],
    [
      'dilation',
      [entry('Conv2D', { filters: 1, kernel_size: 3, dilation_rate: 2 })],
      { path: '/layers/0/config/dilation_rate' },
    ],
    [
      'a bias per channel',
      [{ layer: 'depthwise_conv2d', kernel_size: 3, use_bias: true }],
      { path: '/layers/0/use_bias', message: expect.stringMatching(/^must be false/) },
    ],
    [
      'a shared layer',
      [entry('Flatten', { name: 'f' }, [[['a', 0, 0, {}]], [['b', 0, 0, {}]]])],
      { path: '/layers/0/inbound_nodes' },
    ],
    ['a name for a path', [{ ...flat, name: '../x' }], { path: '/layers/0/name' }],
    [
      'a name twice',
      [
        { ...flat, name: 'x' },
        { ...flat, name: 'x' },
      ],
      { path: '/layers/1/name', message: 'is the name of an earlier layer: names must be unique' },
    ],
    [
      "the image's name",
      [{ ...flat, name: 'input' }],
      { path: '/layers/0/name', message: 'is reserved for the image' },
    ],
    [
      'a later input',
      [
        { ...flat, name: 'x', inputs: ['y'] },
        { ...flat, name: 'y' },
      ],
      { path: '/layers/0/inputs', message: '"y" is not an earlier layer', allowed: ['input'] },
    ],
    [
      'a sum of one',
      [{ layer: 'add' }],
      { path: '/layers/0/inputs', message: 'a layer add must have two or more inputs, not 1' },
    ],
    [
      'two inputs of one',
      [{ ...flat, inputs: ['input', 'input'] }],
      { path: '/layers/0/inputs', message: 'a layer flatten must have one input, not 2' },
    ],
    [
      'a loose end',
      [
        { ...flat, name: 'x' },
        { ...flat, inputs: ['input'] },
      ],
      { path: '/layers/0', message: 'no layer reads the output of "x"' },
    ],
    [
      "Keras' path in a model",
      { class_name: 'Sequential', config: { layers: [kerasConv('../c')] } },
      { path: '/layers/config/layers/0/config/name' },
    ],
  ])('%s', (_name, list, expected) => {
    expect(refusals(list)).toContainEqual(expect.objectContaining(expected));
  });

  test('several errors are reported at once', () => {
    const list = [{ layer: 'dense', units: -1 }, { layer: 'lstm' }, { layer: 'dropout', rate: 2 }];
    expect(refusals(list).map(({ path }) => path)).toEqual([
      '/layers/0/units',
      '/layers/1/layer',
      '/layers/2/rate',
    ]);
  });
});

test('the catalogue lists every kind of layer with its options', () => {
  const text = JSON.stringify(architectures.catalogue().find(({ type }) => type === 'layers')?.options);
  for (const word of ['conv2d', 'depthwise_conv2d', 'concatenate', 'pool_size', 'glorot_uniform']) {
    expect(text).toContain(word);
  }
});

test('every parameter gets a gradient', () => {
  const forward = boundTo(plain, 10);
  const plan = trace(forward, [32, 32, 3]);
  const values = initialValues(plan.parameters, 3);
  const variables = Object.fromEntries(
    plan.parameters.map(({ name, shape, trainable }) => [
      name,
      tf.variable(tf.tensor(values[name], shape), trainable),
    ]),
  );
  const x = tf.randomNormal([4, 32, 32, 3], 0, 1, 'float32', 5);
  const trained = Object.fromEntries(Object.entries(variables).filter(([, { trainable }]) => trainable));
  const step = () =>
    gradientsOf(() => {
      const { output, statistics } = run(forward, variables, x, { training: { seed: 1, step: 0 }, taps: [] });
      tf.dispose(statistics);
      return tf.neg(tf.mean(tf.slice(tf.logSoftmax(output), [0, 3], [4, 1])));
    }, trained);
  const { value, gradients } = step();
  for (const [name, gradient] of Object.entries(gradients)) {
    expect(
      gradient.dataSync().some((number) => number !== 0),
      name,
    ).toBe(true);
  }
  expect(Object.keys(gradients)).toHaveLength(9);
  tf.dispose([value, gradients]);
  const before = tf.memory().numTensors;
  tf.dispose(step());
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([x, variables]);
});
