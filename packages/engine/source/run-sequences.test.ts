import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from './gradients.ts';
import type { Forward } from './network.ts';
import { run, type Tensors } from './run.ts';
import { startEngine } from './backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from './testing/tensors.ts';

/** Layers of transformers. */

beforeAll(() => startEngine());

const outputOf = (layers: Forward, x: tf.Tensor, parameters: Tensors = {}) =>
  run(layers, parameters, x).output;
const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));
const zero = { type: 'constant', value: 0 } as const;

describe('layer normalisation', () => {
  const layer =
    (epsilon?: number): Forward =>
    (net, x) =>
      net.layerNorm('n', x, epsilon === undefined ? {} : { epsilon });
  const parameters = (width = 5) => ({ 'n.weight': sample([width], 3), 'n.bias': sample([width], 4) });

  /** A reference in float64. */
  function naive(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): number[] {
    const [values, factors, shifts] = [x, scale, offset].map((tensor) => [...tensor.dataSync()]);
    const width = factors.length;
    return values.map((value, i) => {
      const row = values.slice(i - (i % width), i - (i % width) + width);
      const mean = row.reduce((sum, y) => sum + y, 0) / width;
      const variance = row.reduce((sum, y) => sum + (y - mean) ** 2, 0) / width;
      return ((value - mean) / Math.sqrt(variance + epsilon)) * factors[i % width] + shifts[i % width];
    });
  }

  test.each([undefined, 1e-5, 0.1])('equals the reference, with epsilon %s', (epsilon) => {
    tf.tidy(() => {
      const given = parameters();
      const x = tf.mul(sample([2, 3, 5]), 0.05);
      const y = outputOf(layer(epsilon), x, given);
      expectClose(y, naive(x, given['n.weight'], given['n.bias'], epsilon ?? 1e-5));
    });
  });

  // Wider than a vector of the processor, and computed in several parts.
  test('equals the reference on many long vectors', () => {
    tf.tidy(() => {
      const given = parameters(37);
      const x = sample([30, 41, 37]);
      expectClose(outputOf(layer(), x, given), naive(x, given['n.weight'], given['n.bias'], 1e-5));
    });
  });

  test.each([5, 19])('has the gradient of finite differences for input, scale and offset of %i', (width) => {
    expectGradient(
      (x, scale, offset) => weighted(outputOf(layer(), x, { 'n.weight': scale, 'n.bias': offset })),
      [sample([2, 3, width]), sample([width], 3), sample([width], 4)],
    );
  });

  test('sums the gradients of scale and offset over all vectors', () => {
    const x = sample([30, 41, 37]);
    const { 'n.weight': scale, 'n.bias': offset } = parameters(37);
    const gradients = tf.grads((factor, shift) =>
      weighted(outputOf(layer(), x, { 'n.weight': factor, 'n.bias': shift })),
    )([scale, offset]);
    const slope = sample(x.shape, 9);
    const normal = tf.sub(x, tf.mean(x, -1, true));
    const deviation = tf.sqrt(tf.add(tf.mean(tf.square(normal), -1, true), 1e-5));
    const expected = [tf.sum(tf.mul(slope, tf.div(normal, deviation)), [0, 1]), tf.sum(slope, [0, 1])];
    gradients.forEach((gradient, index) =>
      expectClose(gradient, expected[index].dataSync(), { absolute: 1e-3 }),
    );
  });

  test('of a constant vector is its offset, with a finite gradient', () => {
    const given = parameters();
    const f = (x: tf.Tensor) => weighted(outputOf(layer(), x, given));
    expectClose(outputOf(layer(), tf.fill([1, 5], 3), given), given['n.bias'].dataSync());
    expect(
      tf
        .grad(f)(tf.fill([1, 5], 3))
        .dataSync()
        .every(Number.isFinite),
    ).toBe(true);
  });
});

describe('gelu', () => {
  const layer: Forward = (net, x) => net.gelu(x);

  test('is x times the normal distribution function', () => {
    // Φ(1) = .841344746, Φ(½) = .691462461, Φ(−2) = .022750132, Φ(3) = .998650102
    const x = tf.tensor([0, 1, -1, 0.5, -2, 3, 30, -30]);
    const expected = [0, 0.841344746, -0.158655254, 0.345731231, -0.045500264, 2.995950306, 30, 0];
    expectClose(outputOf(layer, x), expected);
    // No precision is lost far below 0, where 1 + erf cancels: −3·Φ(−3)
    expectClose(outputOf(layer, tf.tensor([-3])), [-0.004049694], { relative: 1e-3, absolute: 0 });
  });

  test('has the gradient that finite differences give', () => {
    expectGradient((x) => weighted(outputOf(layer, x)), [tf.mul(sample([3, 41]), 3)]);
  });

  test('keeps what is not a number, and is finite far from 0', () => {
    const x = tf.tensor([Number.NaN, 1e30, -1e30]);
    expect([...outputOf(layer, x).dataSync()]).toEqual([Number.NaN, Math.fround(1e30), -0]);
    const gradient = tf.grad((y: tf.Tensor) => tf.sum(outputOf(layer, y)))(tf.tensor([1e30, -1e30]));
    expect([...gradient.dataSync()]).toEqual([1, 0]);
  });
});

describe('a linear layer on a sequence', () => {
  const layer: Forward = (net, x) => net.linear('l', x, { out: 3 });

  test('applies the layer to each token', () => {
    tf.tidy(() => {
      const parameters = { 'l.weight': sample([4, 3], 1), 'l.bias': sample([3], 2) };
      const x = sample([2, 5, 4]);
      const y = outputOf(layer, x, parameters);
      expect(y.shape).toEqual([2, 5, 3]);
      const each = outputOf(layer, tf.reshape(x, [10, 4]), parameters);
      expect([...y.dataSync()]).toEqual([...each.dataSync()]);
    });
  });

  test('has the gradient that finite differences give', () => {
    expectGradient(
      (x, weight, bias) => weighted(outputOf(layer, x, { 'l.weight': weight, 'l.bias': bias })),
      [sample([2, 3, 4]), sample([4, 3], 1), sample([3], 2)],
    );
  });

  test('is only rounded in bfloat16, if the engine supports it', async (context) => {
    const { bfloat16 } = await startEngine();
    if (bfloat16 !== null) return context.skip(bfloat16);
    const wide: Forward = (net, x) => net.linear('l', x, { out: 96 });
    const parameters = { 'l.weight': sample([96, 96], 1), 'l.bias': sample([96], 2) };
    const half = run(wide, parameters, sample([2, 50, 96]), { precision: 'bfloat16' }).output;
    const whole = outputOf(wide, sample([2, 50, 96]), parameters);
    expect(half.shape).toEqual(whole.shape);
    expect([...half.dataSync()]).not.toEqual([...whole.dataSync()]);
    // Products of 96 numbers below 1, each rounded to 8 bits.
    expectClose(half, whole.dataSync(), { relative: 0, absolute: 96 * 2 ** -8 });
  });

  test('stays float32 where it is too small to gain from bfloat16', async (context) => {
    const { bfloat16 } = await startEngine();
    if (bfloat16 !== null) return context.skip(bfloat16);
    const parameters = { 'l.weight': sample([4, 3], 1), 'l.bias': sample([3], 2) };
    const half = run(layer, parameters, sample([2, 5, 4]), { precision: 'bfloat16' }).output;
    expect([...half.dataSync()]).toEqual([...outputOf(layer, sample([2, 5, 4]), parameters).dataSync()]);
  });
});

describe('an embedding', () => {
  const layer: Forward = (net, ids) => net.embedding('e', ids, { vocabulary: 4, width: 3 });
  const ids = () =>
    tf.tensor([
      [2, 0, 2],
      [3, 2, 0],
    ]);

  test('returns the row of each id', () => {
    const table = tf.reshape(tf.range(0, 12), [4, 3]);
    const y = outputOf(layer, ids(), { 'e.weight': table });
    expect(y.shape).toEqual([2, 3, 3]);
    expect([...y.dataSync()]).toEqual([6, 7, 8, 0, 1, 2, 6, 7, 8, 9, 10, 11, 6, 7, 8, 0, 1, 2]);
  });

  test('sums the gradients of an id, and gives 0 for absent ids', () => {
    expectGradient((table) => weighted(outputOf(layer, ids(), { 'e.weight': table })), [sample([4, 3])]);
    const slopes = tf
      .grad((table: tf.Tensor) => weighted(outputOf(layer, ids(), { 'e.weight': table })))(sample([4, 3]))
      .dataSync();
    expect(slopes.slice(3, 6)).toEqual(new Float32Array(3));
  });

  test('leaves no tensors behind', () => {
    const [x, table] = [ids(), sample([4, 3])];
    const f = (given: tf.Tensor) => weighted(outputOf(layer, x, { 'e.weight': given }));
    expectNoLeak(() => tf.tidy(() => tf.grad(f)(table)));
  });
});

describe('sequences', () => {
  test('are made of the positions of a map, get a token and a table, and give one token or their mean', () => {
    const map = tf.reshape(tf.range(0, 8), [1, 2, 2, 2]);
    const values = (layers: Forward, parameters: Tensors = {}) => [
      ...outputOf(layers, map, parameters).dataSync(),
    ];
    expect(values((net, x) => net.tokens(x))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const first = tf.tensor([10, 20], [1, 1, 2]);
    expect(values((net, x) => net.prepend('first', net.tokens(x), zero), { first })).toEqual([
      10, 20, 0, 1, 2, 3, 4, 5, 6, 7,
    ]);
    const table = tf.reshape(tf.range(0, 800, 100), [1, 4, 2]);
    expect(values((net, x) => net.positions('table', net.tokens(x), zero), { table })).toEqual([
      0, 101, 202, 303, 404, 505, 606, 707,
    ]);
    expect(values((net, x) => net.token(net.tokens(x), 2))).toEqual([4, 5]);
    expect(values((net, x) => net.meanOfTokens(net.tokens(x)))).toEqual([3, 4]);
    expect(values((net, x) => net.scale(net.token(net.tokens(x), 2), 0.5))).toEqual([2, 2.5]);
  });

  test('have a mean without padding', () => {
    const ids = tf.tensor([
      [7, 0, 5],
      [0, 0, 0],
    ]);
    const mask: Forward = (net, x) => net.present(x, 0);
    expect([...outputOf(mask, ids).dataSync()]).toEqual([1, 0, 1, 0, 0, 0]);
    const table = tf.reshape(tf.range(0, 8), [8, 1]);
    const mean: Forward = (net, x) =>
      net.meanOfTokens(net.embedding('e', x, { vocabulary: 8, width: 1 }), net.present(x, 0));
    // A sequence of only padding has the mean 0.
    expect([...outputOf(mean, ids, { 'e.weight': table }).dataSync()]).toEqual([6, 0]);
    expectGradient((e) => weighted(outputOf(mean, ids, { 'e.weight': e })), [sample([8, 1])]);
  });

  test('have the gradient that finite differences give', () => {
    const layers: Forward = (net, x) => {
      const y = net.positions('table', net.prepend('first', net.tokens(x), zero), zero);
      return net.add(net.token(y, 1), net.scale(net.add(net.meanOfTokens(y), net.token(y, 0)), 3));
    };
    expectGradient(
      (x, first, table) => weighted(outputOf(layers, x, { first, table })),
      [sample([2, 2, 3, 4]), sample([1, 1, 4], 1), sample([1, 7, 4], 2)],
    );
  });
});

describe('attention', () => {
  /** Queries, keys and values of width 4 for two heads, concatenated, with a mask as the last channel. */
  const layer =
    ({ masked = false, dropout = 0 } = {}): Forward =>
    (net, x) => {
      const [q, k, v] = [0, 4, 8].map((from) => net.slice(x, { from, to: from + 4 }));
      const mask = masked ? { mask: net.flatten(net.slice(x, { from: 12, to: 13 })) } : {};
      const { output, scores } = net.attention('a', q, k, v, { heads: 2, dropout, ...mask });
      net.tap('scores', scores);
      return output;
    };

  /** A reference in float64, number by number. */
  function naive(x: tf.Tensor, mask?: number[][]) {
    const rows = x.arraySync() as number[][][];
    const scores: number[] = [];
    const output = rows.flatMap((tokens, sample) => {
      const mixed = tokens.map(() => [0, 0, 0, 0]);
      for (const head of [0, 1]) {
        const part = (row: number[], from: number) => row.slice(from + 2 * head, from + 2 * head + 2);
        for (const [at, token] of tokens.entries()) {
          const own = tokens.map((other) => {
            const [q, k] = [part(token, 0), part(other, 4)];
            return (q[0] * k[0] + q[1] * k[1]) / Math.sqrt(2);
          });
          const allowed = own.map((_, other) => mask?.[sample][other] !== 0);
          const powers = own.map((score, other) => (allowed[other] ? Math.exp(score) : 0));
          const sum = powers.reduce((a, b) => a + b);
          scores.push(...own.map((score, other) => (allowed[other] ? score : 0)));
          for (const [other, row] of tokens.entries()) {
            for (const i of [0, 1]) mixed[at][2 * head + i] += (powers[other] / sum) * part(row, 8)[i];
          }
        }
      }
      return mixed.flat();
    });
    return { output, scores };
  }

  test('equals the reference, and returns the scores', () => {
    const x = tf.mul<tf.Tensor>(sample([2, 3, 12]), 2);
    const expected = naive(x);
    const { output, taps } = run(layer(), {}, x);
    expect([output.shape, taps.scores.shape]).toEqual([
      [2, 3, 4],
      [2, 2, 3, 3],
    ]);
    expectClose(output, expected.output);
    expectClose(taps.scores, expected.scores);
  });

  test('ignores masked keys, whose scores are 0', () => {
    const mask = [
      [1, 0, 1],
      [1, 1, 0],
    ];
    const x = tf.mul<tf.Tensor>(sample([2, 3, 12]), 2);
    const expected = naive(x, mask);
    const { output, taps } = run(layer({ masked: true }), {}, tf.concat([x, tf.tensor(mask, [2, 3, 1])], 2));
    expectClose(output, expected.output);
    expectClose(taps.scores, expected.scores);
    const nothing = run(layer({ masked: true }), {}, tf.concat([x, tf.zeros([2, 3, 1])], 2)).output;
    // If all keys are masked, they share the attention equally, and no number is NaN.
    expect(nothing.dataSync().every(Number.isFinite)).toBe(true);
  });

  test('has the gradient that finite differences give through output and scores', () => {
    const both = (options: object, x: tf.Tensor) => {
      const { output, taps } = run(layer(options), {}, x);
      return tf.add(weighted(output), weighted(taps.scores));
    };
    expectGradient((x) => both({}, x), [sample([2, 3, 12])]);
    const mask = tf.tensor([1, 0, 1, 1, 1, 0], [2, 3, 1]);
    expectGradient((x) => both({ masked: true }, tf.concat([x, mask], 2)), [sample([2, 3, 12])]);
    const x = sample([2, 3, 12]);
    expectNoLeak(() => tf.tidy(() => tf.grad((y: tf.Tensor) => both({}, y))(x)));
  });

  test('drops attention in training, keyed by its name and the step', () => {
    const x = sample([2, 3, 12]);
    const at = (step: number) => [
      ...run(layer({ dropout: 0.5 }), {}, x, { training: { seed: 1, step } }).output.dataSync(),
    ];
    expect(at(0)).toEqual(at(0));
    expect(at(0)).not.toEqual(at(1));
    expectClose(run(layer({ dropout: 0.5 }), {}, x).output, naive(x).output);
  });
});

test('a step through every layer leaves no tensors behind', () => {
  const forward: Forward = (net, ids) => {
    const mask = net.present(ids, 0);
    let x = net.positions('table', net.embedding('e', ids, { vocabulary: 5, width: 4 }), zero);
    x = net.layerNorm('n', x);
    x = net.add(x, net.attention('a', x, net.gelu(x), x, { heads: 2, mask, dropout: 0.1 }).output);
    const first = net.token(net.prepend('first', x, zero), 0);
    return net.linear('l', net.add(first, net.meanOfTokens(x, mask)), { out: 1 });
  };
  const variables: Record<string, tf.Variable> = {
    'e.weight': tf.variable(sample([5, 4])),
    'n.weight': tf.variable(sample([4])),
    'n.bias': tf.variable(sample([4])),
    table: tf.variable(sample([1, 3, 4])),
    first: tf.variable(sample([1, 1, 4])),
    'l.weight': tf.variable(sample([4, 1])),
    'l.bias': tf.variable(sample([1])),
  };
  const x = tf.tensor([
    [1, 2, 0],
    [4, 0, 0],
  ]);
  const training = { seed: 1, step: 0 };
  expectNoLeak(() => gradientsOf(() => tf.sum(run(forward, variables, x, { training }).output), variables));
  expectNoLeak(() => tf.tidy(() => run(forward, variables, x).output));
});
