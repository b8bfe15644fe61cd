import { type Forward, startEngine, trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectNoLeak, sample } from '@distillery/engine/testing';
import { createNetwork, disposeNetwork } from './network.ts';
import { runTaps, tracedWithTaps } from './taps.ts';

beforeAll(() => startEngine());

const shape = [32, 32, 3];

test('every network of convolutions, ReLUs or plain layers has the gradient by its input as a tap, the others have not yet', () => {
  // Attention, squeeze-and-excitation and smooth activations have no slopes.
  const without = new Set(['vit', 'mobilenet_v3', 'efficientnet', 'convnext']);
  const options: Record<string, object> = {
    layers: {
      layers: [{ layer: 'conv2d', filters: 2, kernel_size: 3 }, { layer: 'flatten' }],
      classifier: true,
    },
  };
  for (const { type, inputs } of architectures.list) {
    // Ids of tokens have no gradient.
    if (inputs?.includes('text')) continue;
    const choice = architectures.schema.parse({ type, ...options[type] });
    const forward = bind(architectures.get(type), choice, { classes: 10 });
    const { taps } = trace(forward, shape);
    const own = without.has(type) ? {} : { input_gradient: [3072] };
    expect(tracedWithTaps(forward, shape).taps, type).toEqual({ ...taps, ...own });
  }
});

test('a network with an operation that has no slope lacks it, and one without logits', () => {
  const shifted: Forward = (net, x) => net.tap('logits', net.add(x, net.freeParameter('a', net.shape(x), 1)));
  const map: Forward = (net, x) => net.tap('stage1', net.relu(x));
  for (const forward of [shifted, map]) {
    const plan = trace(forward, shape);
    expect(tracedWithTaps(forward, shape)).toEqual(plan);
  }
});

test('it is the gradient of each sample alone, in evaluation, beside the other taps', () => {
  const forward = bind(architectures.get('lightnn'), architectures.schema.parse({ type: 'lightnn' }), {
    classes: 5,
  });
  const network = createNetwork(forward, [8, 8, 3], 1);
  const [images, labels] = [sample([2, 8, 8, 3]), tf.tensor1d([4, 0], 'int32')];
  const of = (x: tf.Tensor, y: tf.Tensor1D) =>
    runTaps(network, { images: x, labels: y }, { taps: ['logits', 'input_gradient'] });
  tf.tidy(() => {
    const { taps } = of(images, labels);
    expect(Object.keys(taps)).toEqual(['logits', 'input_gradient']);
    const loss = (x: tf.Tensor) => {
      const logits = runTaps(network, { images: x, labels }, { taps: ['logits'] }).taps.logits;
      return tf.neg(tf.sum(tf.mul(tf.oneHot(labels, 5), tf.logSoftmax(logits as tf.Tensor2D))));
    };
    expectClose(taps.input_gradient, tf.grad(loss)(images).dataSync());
    const second = of(tf.slice(images, 1, 1), tf.slice(labels, 1, 1)).taps.input_gradient;
    expectClose(tf.slice(taps.input_gradient, 1, 1), second.dataSync());
  });
  expectNoLeak(() => tf.tidy(() => of(images, labels).taps));
  disposeNetwork(network);
});
