import { gradientsOf, initialValues, type Net, run, startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { encoder, type EncoderOptions, linear, small } from './encoder.ts';

beforeAll(() => startEngine());

const options = { depth: 2, heads: 2, mlpRatio: 2, dropout: 0, epsilon: 1e-6 };
const network =
  (own: Pick<EncoderOptions<never>, 'norm'>) =>
  <T>(net: Net<T>, x: T): T =>
    encoder(net, x, { ...options, ...own });

/** Initial values, with biases and LayerNorms moved away from the values that hide mistakes. */
function parametersOf(norm: 'pre' | 'post') {
  const { parameters } = trace(network({ norm }), [3, 4]);
  const values = initialValues(parameters, 1);
  return Object.fromEntries(
    parameters.map(({ name, shape }, i) => [
      name,
      tf.tidy(() => tf.add(tf.mul(tf.tensor(values[name], shape), 20), tf.mul(sample(shape, i), 0.2))),
    ]),
  );
}

test('has the names and shapes of ViT code, and its taps in order', () => {
  const { parameters, parameterCount, taps } = trace(network({ norm: 'pre' }), [3, 4]);
  expect(parameters.slice(0, 12).map(({ name, shape }) => [name, shape])).toEqual([
    ['blocks.0.norm1.weight', [4]],
    ['blocks.0.norm1.bias', [4]],
    ['blocks.0.attn.qkv.weight', [4, 12]],
    ['blocks.0.attn.qkv.bias', [12]],
    ['blocks.0.attn.proj.weight', [4, 4]],
    ['blocks.0.attn.proj.bias', [4]],
    ['blocks.0.norm2.weight', [4]],
    ['blocks.0.norm2.bias', [4]],
    ['blocks.0.mlp.fc1.weight', [4, 8]],
    ['blocks.0.mlp.fc1.bias', [8]],
    ['blocks.0.mlp.fc2.weight', [8, 4]],
    ['blocks.0.mlp.fc2.bias', [4]],
  ]);
  expect(parameterCount).toBe(2 * (8 + 60 + 20 + 8 + 40 + 36));
  expect(Object.entries(taps).slice(0, 6)).toEqual([
    ['queries1', [3, 4]],
    ['keys1', [3, 4]],
    ['values1', [3, 4]],
    ['attention1', [2, 3, 3]],
    ['hidden1', [3, 4]],
    ['queries2', [3, 4]],
  ]);
  expect(parameters[2].initializer).toEqual(small);
});

test('linear layers start with small weights and zero bias', () => {
  const { parameters } = trace((net, x) => linear(net, 'l', x, 3), [4]);
  expect(parameters.map(({ initializer }) => initializer)).toEqual([
    { type: 'normal', deviation: 0.02 },
    { type: 'constant', value: 0 },
  ]);
});

describe.each(['pre', 'post'] as const)('%s-norm', (norm) => {
  test('equals its definition, layer by layer', () => {
    tf.tidy(() => {
      const p = parametersOf(norm);
      const { taps, output } = run(network({ norm }), p, sample([2, 3, 4]));
      let x = sample([2, 3, 4]);
      for (const [i, name] of ['blocks.0', 'blocks.1'].entries()) {
        const linear = (part: string, y: tf.Tensor) =>
          tf.add(tf.matMul(tf.reshape(y, [6, -1]), p[`${name}.${part}.weight`]), p[`${name}.${part}.bias`]);
        const normal = (part: string, y: tf.Tensor) => {
          const { mean, variance } = tf.moments(y, -1, true);
          const plain = tf.div(tf.sub(y, mean), tf.sqrt(tf.add(variance, 1e-6)));
          return tf.add(tf.mul(plain, p[`${name}.${part}.weight`]), p[`${name}.${part}.bias`]);
        };
        const gelu = (y: tf.Tensor) => tf.mul(tf.mul(y, 0.5), tf.add(tf.erf(tf.div(y, Math.SQRT2)), 1));
        const attention = (y: tf.Tensor) => {
          const qkv = tf.reshape(linear('attn.qkv', y), [2, 3, 3, 2, 2]);
          // Query, key, value, each [batch, heads, tokens, width of a head]
          const [q, k, v] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4]));
          const scores = tf.div(tf.matMul(q, k, false, true), Math.SQRT2);
          expectClose(taps[`attention${i + 1}`], scores.dataSync());
          const merged = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
          return tf.reshape(linear('attn.proj', merged), [2, 3, 4]);
        };
        const mlp = (y: tf.Tensor) => tf.reshape(linear('mlp.fc2', gelu(linear('mlp.fc1', y))), [2, 3, 4]);
        if (norm === 'pre') {
          x = tf.add(x, attention(normal('norm1', x)));
          x = tf.add(x, mlp(normal('norm2', x)));
        } else {
          x = normal('norm1', tf.add(x, attention(x)));
          x = normal('norm2', tf.add(x, mlp(x)));
        }
        expectClose(taps[`hidden${i + 1}`], x.dataSync());
      }
      expectClose(output, x.dataSync());
    });
  });

  test('every parameter gets a gradient', () => {
    const variables = Object.fromEntries(
      Object.entries(parametersOf(norm)).map(([name, value]) => [name, tf.variable(value)]),
    );
    const { gradients } = gradientsOf(() => {
      const { output } = run(network({ norm }), variables, sample([2, 3, 4]));
      return tf.sum(tf.mul(output, sample([2, 3, 4], 9)));
    }, variables);
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(Math.max(...gradient.dataSync().map(Math.abs)), name).toBeGreaterThan(1e-6);
    }
  });

  test('padding does not change other tokens', () => {
    tf.tidy(() => {
      const masked = <T>(net: Net<T>, x: T): T => {
        const mask = net.flatten(net.slice(x, { from: 4, to: 5 }));
        return encoder(net, net.slice(x, { from: 0, to: 4 }), { ...options, norm, mask });
      };
      const p = parametersOf(norm);
      const mask = tf.tensor([1, 1, 0], [1, 3, 1]);
      const of = (last: tf.Tensor) => {
        const x = tf.concat([sample([1, 2, 4]), last], 1);
        return [...run(masked, p, tf.concat([x, mask], 2)).output.dataSync()].slice(0, 8);
      };
      expectClose(of(sample([1, 1, 4], 5)), of(sample([1, 1, 4], 6)));
    });
  });
});
