import { initialValues, run, startEngine, type Tensors, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { architectures, bind } from '../index.ts';

beforeAll(() => startEngine());

const bound = (type: string, options: object, vocabulary: number | undefined) =>
  bind(architectures.get(type), architectures.schema.parse({ type, ...options }), { classes: 3, vocabulary });

test('parameters, names and taps, by hand', () => {
  const plan = trace(bound('text_transformer', { width: 8, depth: 2, heads: 2 }, 20), [5]);
  const layer = 12 * 8 * 8 + 13 * 8;
  expect(plan.parameterCount).toBe(20 * 8 + 5 * 8 + 2 * layer + 2 * 8 + (8 * 3 + 3));
  const shapes = Object.fromEntries(
    plan.parameters.map(({ name, shape, interchange }) => [name, interchange.map((axis) => shape[axis])]),
  );
  expect(shapes).toMatchObject({
    'token_embed.weight': [20, 8],
    pos_embed: [1, 5, 8],
    'blocks.1.attn.qkv.weight': [24, 8],
    'blocks.1.mlp.fc1.bias': [32],
    'norm.weight': [8],
    'head.weight': [3, 8],
  });
  const one = (i: number) => [
    ...['queries', 'keys', 'values'].map((part) => [`${part}${i}`, [5, 8]]),
    [`attention${i}`, [2, 5, 5]],
    [`hidden${i}`, [5, 8]],
  ];
  expect(Object.entries(plan.taps)).toEqual([
    ['tokens', [5]],
    ...one(1),
    ...one(2),
    ['features', [8]],
    ['logits', [3]],
  ]);
});

test('more padding does not change the logits', () => {
  const options = { width: 8, depth: 2, heads: 2 };
  const [short, long] = [6, 11].map((length) => {
    const forward = bound('text_transformer', options, 20);
    return { length, forward, plan: trace(forward, [length]) };
  });
  const values = initialValues(long.plan.parameters, 5);
  // Larger than initial weights, because otherwise all tokens are nearly equal.
  for (const data of Object.values(values)) for (let i = 0; i < data.length; i++) data[i] += Math.sin(7 * i);
  const texts = [
    [3, 4, 5, 6],
    [7, 3],
  ];
  tf.tidy(() => {
    const scored = ({ length, forward, plan }: typeof short, ids: number[][]) => {
      const parameters: Tensors = Object.fromEntries(
        plan.parameters.map(({ name, shape }) => [
          name,
          tf.tensor(
            values[name].slice(
              0,
              shape.reduce((a, b) => a * b),
            ),
            shape,
          ),
        ]),
      );
      const padded = ids.map((text) => [...text, ...Array(length - text.length).fill(0)] as number[]);
      return run(forward, parameters, tf.tensor2d(padded)).taps;
    };
    const [a, b] = [scored(short, texts), scored(long, texts)];
    expect(tf.max(tf.abs(tf.sub(a.logits, b.logits))).dataSync()[0]).toBeLessThan(1e-5);
    expect(tf.max(tf.abs(tf.sub(a.features, b.features))).dataSync()[0]).toBeLessThan(1e-5);
    // An additional token is not padding.
    const more = scored(short, [
      [3, 4, 5, 6, 8],
      [7, 3],
    ]);
    const difference = tf.max(tf.abs(tf.sub(a.logits, more.logits)), 1).dataSync();
    expect(difference[0]).toBeGreaterThan(1e-3);
    expect(difference[1]).toBeLessThan(1e-5);
    // The logits depend on the order.
    const turned = scored(short, [
      [6, 5, 4, 3],
      [7, 3],
    ]);
    expect(tf.max(tf.abs(tf.sub(a.logits, turned.logits))).dataSync()[0]).toBeGreaterThan(1e-3);
    const empty = scored(short, [[], [7, 3]]);
    expect(empty.logits.dataSync().every(Number.isFinite)).toBe(true);
  });
});

test('networks for texts refuse images, and the reverse', () => {
  expect(() => bound('lightnn', {}, 20)).toThrow('lightnn expects images, but the data set holds texts');
  expect(() => bound('mlp', {}, 20)).toThrow(RangeError);
  expect(() => bound('text_transformer', {}, undefined)).toThrow(
    'text_transformer expects texts, but the data set holds images',
  );
});

test('refuses heads that do not divide the width', () => {
  expect(() => trace(bound('text_transformer', { width: 10, heads: 4 }, 20), [5])).toThrow(
    /the width 10 is not divisible by 4 heads/,
  );
});
