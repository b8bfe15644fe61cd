import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from './gradients.ts';
import { initialValues } from './initialize.ts';
import { inputGradient } from './input-gradient.ts';
import type { Forward } from './network.ts';
import { startEngine } from './backends/start.ts';
import { withoutSlope } from './tangent.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from './testing/tensors.ts';
import { trace } from './trace.ts';

beforeAll(() => startEngine());

/** Networks with every operation of a family. They are smooth except for ReLU and pooling, whose kinks the samples avoid. */
const networks: Record<string, { shape: number[]; forward: Forward; training?: boolean }> = {
  'linear layers': {
    shape: [4],
    forward: (net, x) => net.linear('b', net.relu(net.linear('a', x, { out: 5 })), { out: 3, bias: false }),
  },
  'convolutions, pooled': {
    shape: [5, 4, 2],
    forward(net, x) {
      const map = net.maxPool(net.relu(net.conv('a', x, { out: 3, kernel: 3, padding: 1 })), { size: 2 });
      return net.linear('b', net.flatten(map), { out: 3 });
    },
  },
  'windows that overlap, strides and borders': {
    shape: [7, 6, 2],
    forward(net, x) {
      const map = net.maxPool(net.conv('a', x, { out: 3, kernel: 3, stride: 2, padding: 1, bias: false }), {
        size: 2,
        stride: 1,
      });
      return net.linear('b', net.globalAveragePool(map), { out: 3 });
    },
  },
  'batch statistics': {
    shape: [3, 4, 2],
    training: true,
    forward(net, x) {
      const map = net.batchNorm('n', net.conv('a', x, { out: 3, kernel: 1 }));
      const sum = net.add(map, net.batchNorm('m', net.conv('c', map, { out: 3, kernel: 1 })));
      const features = net.batchNorm('v', net.linear('d', net.globalAveragePool(sum), { out: 4 }));
      return net.linear('b', net.dropout('drop', features, 0.3), { out: 3 });
    },
  },
  'running statistics': {
    shape: [3, 4, 2],
    forward: (net, x) =>
      net.linear('b', net.flatten(net.batchNorm('n', net.dropout('drop', x, 0.3))), { out: 3 }),
  },
  'mobile operations': {
    shape: [4, 4, 4],
    forward(net, x) {
      const [left, right] = [net.slice(x, { from: 0, to: 2 }), net.slice(x, { from: 2, to: 4 })];
      const deep = net.relu6(net.depthwise('a', left, { kernel: 3, padding: 1 }));
      const map = net.averagePool(net.shuffle(net.concat([deep, right]), 2), { size: 2 });
      return net.tap('logits', net.linear('b', net.flatten(map), { out: 3 }));
    },
  },
};

function prepared(name: string) {
  const { shape, forward, training } = networks[name];
  const plan = trace(forward, shape);
  const first = initialValues(plan.parameters, 7);
  const names = plan.parameters.map((parameter) => parameter.name);
  const tensors = plan.parameters.map((parameter) => tf.tensor(first[parameter.name], parameter.shape));
  const options = training ? { training: { seed: 3, step: 1 } } : {};
  const labels = tf.tensor1d([2, 0, 1], 'int32');
  const of = (x: tf.Tensor, parameters: tf.Tensor[]) =>
    inputGradient(
      forward,
      Object.fromEntries(names.map((each, i) => [each, parameters[i]])),
      x,
      labels,
      options,
    );
  return { plan, tensors, of, x: sample([3, ...shape]) };
}

describe.each(Object.keys(networks))('through %s', (name) => {
  test('has the gradient that finite differences give for every parameter', () => {
    tf.tidy(() => {
      const { tensors, of, x } = prepared(name);
      const direction = sample(x.shape, 4);
      const along = (...parameters: tf.Tensor[]) => tf.sum(tf.mul(of(x, parameters), direction));
      expect(of(x, tensors).shape).toEqual(x.shape);
      expect(Math.max(...of(x, tensors).dataSync().map(Math.abs))).toBeGreaterThan(1e-3);
      const largest = tf
        .grads(along)(tensors)
        .map((gradient) => tf.max(tf.abs(gradient)).dataSync()[0]);
      expect(Math.max(...largest)).toBeGreaterThan(1e-3);
      expectGradient(along, tensors, { step: 2 ** -11, tolerance: 1e-2 });
    });
  });

  test('leaves no tensors behind', () => {
    const { tensors, of, x } = prepared(name);
    const variables = tensors.map((tensor) => tf.variable(tensor));
    expectNoLeak(() =>
      gradientsOf(
        () => tf.sum<tf.Scalar>(tf.square(of(x, variables))),
        Object.fromEntries(variables.map((variable, i) => [String(i), variable])),
      ),
    );
  });
});

/** A reference in float64: a layer of two ReLUs, one of two logits, one image of two numbers. */
function byHand([a, b, c, d, e, f, g, h]: number[], [x, y]: number[], label: number): number {
  const hidden = [Math.max(0, a * x + c * y), Math.max(0, b * x + d * y)];
  const logits = [e * hidden[0] + g * hidden[1], f * hidden[0] + h * hidden[1]];
  const sum = Math.exp(logits[0]) + Math.exp(logits[1]);
  const slope = logits.map((logit, k) => Math.exp(logit) / sum - (k === label ? 1 : 0));
  const back = [e * slope[0] + f * slope[1], g * slope[0] + h * slope[1]].map((value, i) =>
    hidden[i] > 0 ? value : 0,
  );
  const gradient = [a * back[0] + b * back[1], c * back[0] + d * back[1]];
  return gradient[0] ** 2 + gradient[1] ** 2;
}

test('its square and the gradient of its square agree with float64', () => {
  const weights = [0.5, -0.3, 0.8, 0.6, 1.2, -0.7, 0.4, 0.9];
  const image = [0.7, 0.2];
  const forward: Forward = (net, x) =>
    net.linear('second', net.relu(net.linear('first', x, { out: 2, bias: false })), { out: 2, bias: false });
  const square = (...x: tf.Tensor[]) => {
    const parameters = { 'first.weight': x[0], 'second.weight': x[1] };
    const gradient = inputGradient(forward, parameters, tf.tensor2d([image]), tf.tensor1d([1], 'int32'));
    return tf.sum(tf.square(gradient));
  };
  tf.tidy(() => {
    const tensors = [weights.slice(0, 4), weights.slice(4)].map((values) => tf.tensor2d(values, [2, 2]));
    expectClose(square(...tensors), [byHand(weights, image, 1)]);
    const differences = weights.map((_, i) => {
      const moved = (by: number) =>
        byHand(
          weights.map((value, j) => (i === j ? value + by : value)),
          image,
          1,
        );
      return (moved(1e-6) - moved(-1e-6)) / 2e-6;
    });
    expect(Math.max(...differences.map(Math.abs))).toBeGreaterThan(0.05);
    const gradients = tf.grads(square)(tensors);
    expectClose(tf.concat(gradients), differences);
  });
});

test('the first of equal values in a window determines the slope', () => {
  const forward: Forward = (net, x) => net.linear('a', net.flatten(net.maxPool(x, { size: 2 })), { out: 2 });
  tf.tidy(() => {
    const parameters = { 'a.weight': tf.tensor2d([[1, -1]]), 'a.bias': tf.zeros([2]) };
    const x = tf.ones([1, 2, 2, 1]);
    const labels = tf.tensor1d([0], 'int32');
    const along = (weight: tf.Tensor) =>
      tf.sum(inputGradient(forward, { ...parameters, 'a.weight': weight }, x, labels));
    const [gradient] = [...inputGradient(forward, parameters, x, labels).dataSync()];
    expect(gradient).toBeLessThan(-0.1);
    expectClose(inputGradient(forward, parameters, x, labels), [gradient, 0, 0, 0]);
    expectGradient(along, [parameters['a.weight']]);
  });
});

test('withoutSlope names an unsupported operation', () => {
  for (const { forward, shape } of Object.values(networks)) {
    expect(withoutSlope(forward, shape)).toBeUndefined();
  }
  const forward: Forward = (net, x) => net.add(x, net.freeParameter('shift', net.shape(x), 1));
  expect(withoutSlope(forward, [2, 2, 3])).toBe('freeParameter');
});
