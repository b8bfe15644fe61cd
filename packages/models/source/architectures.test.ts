import { gradientsOf, initialValues, run, startEngine, type Tensors, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { architectures, bind } from './index.ts';

beforeAll(() => startEngine());

const takesTexts = (type: string) => architectures.get(type).inputs?.includes('text');
const inputShapeOf = (type: string) => (takesTexts(type) ? [12] : [32, 32, 3]);
const vocabulary = 30;
const bound = (type: string, options: object = {}, classes = 10) =>
  bind(architectures.get(type), architectures.schema.parse({ type, ...options }), {
    classes,
    ...(takesTexts(type) ? { vocabulary } : {}),
  });
/** Options that make each network small enough for the tests. */
const smallest: Record<string, object> = {
  resnet: { depth: 8 },
  wide_resnet: { depth: 10, width: 1 },
  layers: {
    layers: [
      { layer: 'conv2d', filters: 6, kernel_size: 3, padding: 'same', use_bias: false },
      { layer: 'batch_normalization' },
      { layer: 'activation', name: 'stage1', activation: 'relu' },
      { layer: 'depthwise_conv2d', kernel_size: 3, padding: 1, strides: 2 },
      { layer: 'conv2d', name: 'stage2', filters: 8, kernel_size: [1, 1], activation: 'relu' },
      { layer: 'max_pooling2d', pool_size: 2 },
      { layer: 'global_average_pooling2d' },
    ],
    classifier: true,
  },
  vit: { width: 16, depth: 2, heads: 2 },
  text_transformer: { width: 16, depth: 2, heads: 2 },
  distilbert: { width: 16, depth: 2, heads: 2, positions: 12 },
  bert: { width: 16, depth: 2, heads: 2, positions: 12, separator: 5 },
  imagenet_resnet: { stem: 'small' },
  densenet: { stem: 'small' },
  mobilenet_v3: { size: 'small', stem: 'small' },
  efficientnet: { stem: 'small', stochasticDepth: 0.2 },
  convnext: { patch: 1, stochasticDepth: 0.2 },
};
/** Further options for images with odd sides. */
const forOddSides: Record<string, object> = { vit: { patch: 1 } };
const small = (type: string, classes?: number) => bound(type, smallest[type], classes);
const planOf = (type: string) => trace(small(type), inputShapeOf(type));

/** Returns names and shapes as PyTorch's `state_dict()` does. */
const stateDict = (type: string) =>
  Object.fromEntries(
    planOf(type).parameters.map(({ name, shape, interchange }) => [
      name,
      interchange.map((axis) => shape[axis]),
    ]),
  );

function parametersOf(type: string, seed = 42): Record<string, tf.Variable> {
  const { parameters } = trace(small(type), inputShapeOf(type));
  const values = initialValues(parameters, seed);
  return Object.fromEntries(
    parameters.map(({ name, shape, trainable }) => [
      name,
      tf.variable(tf.tensor(values[name], shape), trainable),
    ]),
  );
}

/** Returns images, or texts that contain every token id, including padding. */
const inputs = (count: number, shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: count * shape.reduce((a, b) => a * b) }, (_, i) =>
      shape.length === 1 ? (7 * i) % vocabulary : Math.sin(12.9898 * i),
    ),
    [count, ...shape],
  );

test('the networks of the PyTorch tutorial have its parameter counts', () => {
  expect(planOf('deepnn').parameterCount).toBe(1_186_986);
  expect(planOf('lightnn').parameterCount).toBe(267_738);
});

test("deepnn's weights have PyTorch's names and shapes, in its order", () => {
  expect(Object.entries(stateDict('deepnn'))).toEqual([
    ['features.0.weight', [128, 3, 3, 3]],
    ['features.0.bias', [128]],
    ['features.2.weight', [64, 128, 3, 3]],
    ['features.2.bias', [64]],
    ['features.5.weight', [64, 64, 3, 3]],
    ['features.5.bias', [64]],
    ['features.7.weight', [32, 64, 3, 3]],
    ['features.7.bias', [32]],
    ['classifier.0.weight', [512, 2048]],
    ['classifier.0.bias', [512]],
    ['classifier.3.weight', [10, 512]],
    ['classifier.3.bias', [10]],
  ]);
});

test("lightnn's weights have PyTorch's names and shapes, in its order", () => {
  expect(Object.entries(stateDict('lightnn'))).toEqual([
    ['features.0.weight', [16, 3, 3, 3]],
    ['features.0.bias', [16]],
    ['features.3.weight', [16, 16, 3, 3]],
    ['features.3.bias', [16]],
    ['classifier.0.weight', [256, 1024]],
    ['classifier.0.bias', [256]],
    ['classifier.3.weight', [10, 256]],
    ['classifier.3.bias', [10]],
  ]);
});

test('taps are named in the order in which they are computed', () => {
  expect(Object.entries(planOf('deepnn').taps)).toEqual([
    ['stage1', [16, 16, 64]],
    ['stage2', [8, 8, 32]],
    ['features', [512]],
    ['logits', [10]],
  ]);
  expect(Object.entries(planOf('lightnn').taps)).toEqual([
    ['stage1', [16, 16, 16]],
    ['stage2', [8, 8, 16]],
    ['features', [256]],
    ['logits', [10]],
  ]);
});

test('parameters and FLOPs of lightnn, by hand', () => {
  const conv = (size: number, fanIn: number) => size * size * 16 * (2 * fanIn + 1);
  const rest = (size: number) => size * size * 16 + (size / 2) ** 2 * 16 * 4;
  const linear = (from: number, to: number) => to * (2 * from + 1);
  expect(planOf('lightnn').flops).toBe(
    conv(32, 27) + rest(32) + conv(16, 144) + rest(16) + linear(1024, 256) + 256 + linear(256, 10),
  );
});

test('refuses an unknown option', () => {
  expect(architectures.schema.safeParse({ type: 'lightnn', width: 2 }).success).toBe(false);
  expect(architectures.schema.safeParse({ type: 'lightnn', dropout: 1 }).success).toBe(false);
});

describe.each(architectures.list.map(({ type }) => type))('%s', (type) => {
  test('has the taps that terms rely on', () => {
    const { taps, outputShape } = planOf(type);
    expect(taps.logits).toEqual([10]);
    expect(outputShape).toEqual([10]);
    expect(taps.features).toHaveLength(1);
    expect(Object.keys(taps).filter((name) => /^(stage|hidden)1$/.test(name))).toHaveLength(1);
  });

  test.each(
    takesTexts(type)
      ? [
          { shape: [12], classes: 10 },
          { shape: [1], classes: 2 },
        ]
      : [
          { shape: [32, 32, 3], classes: 10 },
          { shape: [28, 28, 1], classes: 2 },
          { shape: [17, 20, 4], classes: 100 },
        ],
  )('takes $shape, for $classes classes', ({ shape, classes }) => {
    const options = shape[0] % 2 === 0 ? smallest[type] : { ...smallest[type], ...forOddSides[type] };
    const forward = bound(type, options, classes);
    const plan = trace(forward, shape);
    const values = initialValues(plan.parameters, 1);
    tf.tidy(() => {
      const parameters: Tensors = Object.fromEntries(
        plan.parameters.map((p) => [p.name, tf.tensor(values[p.name], p.shape)]),
      );
      const { output, taps } = run(forward, parameters, inputs(2, shape));
      expect(output.shape).toEqual([2, classes]);
      expect(output.dataSync().every(Number.isFinite)).toBe(true);
      for (const [name, tap] of Object.entries(taps)) {
        expect(tap.shape).toEqual([2, ...plan.taps[name]]);
        if (!name.endsWith('_pre')) continue;
        // This tap is the same map before its ReLU; in wide residual networks it is the input of the next one.
        const [active, post] =
          type === 'wide_resnet'
            ? [tf.mean(tf.relu(taps.stage3_pre), [1, 2]), taps.features]
            : [tf.relu(tap), taps[name.replace('_pre', '')]];
        expect(tf.max(tf.abs(tf.sub(active, post))).dataSync()[0]).toBeLessThan(
          type === 'wide_resnet' ? 1e-5 : 1e-30,
        );
      }
      expect(Object.keys(taps)).toEqual(Object.keys(plan.taps));
    });
  });

  test('a sample has the same logits alone and in a batch', () => {
    tf.tidy(() => {
      const parameters = parametersOf(type);
      const batch = inputs(3, inputShapeOf(type));
      const whole = run(small(type), parameters, batch).output.dataSync();
      const alone = run(small(type), parameters, tf.slice(batch, 2, 1)).output.dataSync();
      alone.forEach((value, i) => expect(value).toBeCloseTo(whole[20 + i], 4));
      tf.dispose(parameters);
    });
  });

  test('every parameter gets a gradient, and a step leaves no tensors behind', () => {
    const parameters = parametersOf(type);
    const x = inputs(4, inputShapeOf(type));
    const trainable = Object.fromEntries(
      Object.entries(parameters).filter(([, variable]) => variable.trainable),
    );
    const step = () =>
      gradientsOf(() => {
        const { output, statistics } = run(small(type), parameters, x, { training: { seed: 1, step: 0 } });
        tf.dispose(statistics);
        return tf.neg(tf.mean(tf.slice(tf.logSoftmax(output), [0, 3], [4, 1])));
      }, trainable);
    const { value, gradients } = step();
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(gradient.shape, name).toEqual(parameters[name].shape);
      const values = gradient.dataSync();
      expect(values.every(Number.isFinite), name).toBe(true);
      expect(
        values.some((number) => number !== 0),
        name,
      ).toBe(true);
    }
    expect(Object.keys(gradients)).toEqual(Object.keys(trainable));
    tf.dispose([value, gradients]);
    const before = tf.memory().numTensors;
    tf.dispose(step());
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([x, parameters]);
  });

  test('the same seed gives the same bytes', () => {
    const { parameters } = trace(small(type), inputShapeOf(type));
    const bytes = (seed: number) =>
      Object.values(initialValues(parameters, seed)).map(({ buffer }) => Buffer.from(buffer));
    const [first, again, other] = [bytes(7), bytes(7), bytes(8)];
    parameters.forEach(({ initializer: { type: kind } }, i) => {
      expect(first[i].equals(again[i])).toBe(true);
      expect(first[i].equals(other[i])).toBe(kind === 'constant');
    });
  });
});
