import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';
import type { Activation } from './activation.ts';
import { batchNormInference, batchNormTraining } from './batch-norm.ts';

beforeAll(() => startEngine());

const weighted = (y: tf.Tensor) => tf.sum(tf.mul(y, sample(y.shape, 9)));
const shapes = [[[3, 2, 2, 3]], [[2, 4, 5, 1]], [[6, 3]]];

/** Batch normalisation composed of public operations. */
function composite(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const centred = tf.sub(x, tf.mean(x, axes));
  const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), axes), 1e-5));
  return tf.add(tf.mul(tf.div(centred, deviation), scale), offset);
}

const argumentsOf = (shape: number[]) => {
  const channels = [shape[shape.length - 1]];
  return [sample(shape), sample(channels, 1), sample(channels, 2)];
};

test.each(shapes)('of %j normalises, and returns the statistics of the batch', (shape) => {
  const [x, scale, offset] = argumentsOf(shape);
  const { mean, variance, output } = batchNormTraining(x, scale, offset);
  const y = output();
  expectClose(y, composite(x, scale, offset).dataSync());
  const moments = tf.moments(x, shape.map((_, axis) => axis).slice(0, -1));
  expectClose(mean, moments.mean.dataSync());
  expectClose(variance, moments.variance.dataSync());
  // With the statistics of the batch both forms agree.
  expectClose(batchNormInference(x, { mean, variance, scale, offset }), y.dataSync());
});

test.each(shapes)('of %j has the gradients of the composition and of finite differences', (shape) => {
  const inputs = argumentsOf(shape);
  const own = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => weighted(batchNormTraining(x, a, b).output());
  const stock = tf.grads((x, a, b) => weighted(composite(x, a, b)))(inputs);
  tf.grads(own)(inputs).forEach((gradient, index) => expectClose(gradient, stock[index].dataSync()));
  expectGradient(own, inputs);
});

test('leaves no tensors behind', () => {
  const inputs = argumentsOf([3, 2, 2, 3]);
  const own = (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => weighted(batchNormTraining(x, a, b).output());
  expectNoLeak(() => tf.grads(own)(inputs));
  expectNoLeak(() => {
    const { mean, variance, output } = batchNormTraining(inputs[0], inputs[1], inputs[2]);
    return [mean, variance, output()];
  });
  expect.hasAssertions();
});

describe.each<[Activation, 'alone' | 'with a residual']>([
  ['none', 'with a residual'],
  ['relu', 'alone'],
  ['relu', 'with a residual'],
  ['relu6', 'alone'],
  ['relu6', 'with a residual'],
])('behind %s, %s,', (activation, kind) => {
  // The last one is summed in several parts, which end within a row of the next one.
  const shapes = [[[2, 3, 3, 2]], [[5, 300]], [[3, 40, 41, 58]]];
  const withResidual = kind === 'with a residual';

  const own = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, residual: tf.Tensor) =>
    batchNormTraining(x, scale, offset).output(activation, withResidual ? residual : undefined);
  const stock = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, residual: tf.Tensor) => {
    const y = composite(x, scale, offset);
    const z = withResidual ? tf.add(y, residual) : y;
    if (activation === 'none') return z;
    return activation === 'relu' ? tf.relu(z) : tf.relu6(z);
  };
  // Wide enough that the activations cut on both sides.
  const inputsOf = (shape: number[]) => {
    const [x, scale, offset] = argumentsOf(shape);
    return [x, tf.mul(scale, 5), offset, sample(shape, 3)];
  };
  const gradientsOf = (f: typeof own, inputs: tf.Tensor[]) => {
    // TensorFlow.js refuses an input that has no gradient.
    const loss: typeof own = (a, b, c, d) => tf.add(weighted(f(a, b, c, d)), tf.mul(0, tf.sum(d)));
    return tf.grads((a, b, c, d) => loss(a, b, c, d))(inputs);
  };

  test.each(shapes)('of %j computes the composition and its gradients', (shape) => {
    const inputs = inputsOf(shape);
    const [x, scale, offset, residual] = inputs;
    expectClose(own(x, scale, offset, residual), stock(x, scale, offset, residual).dataSync(), {
      absolute: 1e-4,
    });
    const expected = gradientsOf(stock, inputs);
    gradientsOf(own, inputs).forEach((gradient, index) => {
      const values = expected[index].dataSync();
      const largest = tf.max(tf.abs(expected[index])).dataSync()[0];
      expectClose(gradient, values, { absolute: 1e-4 * largest });
    });
  });

  test('computes the same bits again', () => {
    const inputs = inputsOf([3, 40, 41, 58]);
    const bits = () =>
      Buffer.concat(gradientsOf(own, inputs).map((gradient) => Buffer.from(gradient.dataSync().buffer)));
    expect(bits().equals(bits())).toBe(true);
  });

  test('keeps what is not a number', (context) => {
    if (activation === 'relu6' && tf.getBackend() === 'wasm') context.skip("WebAssembly's ReLU6 makes it 0");
    const [x, scale, offset, residual] = inputsOf([2, 3, 3, 2]);
    const bad = tf.mul(x, tf.tensor1d([1, Number.NaN]));
    const values = own(bad, scale, offset, residual).dataSync();
    expect(values.filter(Number.isNaN)).toHaveLength(values.length / 2);
  });

  test('leaves no tensors behind', () => {
    const inputs = inputsOf([2, 3, 3, 2]);
    expectNoLeak(() => gradientsOf(own, inputs));
    expect.hasAssertions();
  });
});
