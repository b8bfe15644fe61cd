import { run, startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectNoLeak, sample } from '@distillery/engine/testing';
import { terms } from '../index.ts';
import type { TapShapes } from '../term.ts';
import { bound, lossOf } from '../testing/terms.ts';
import { trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

test("the default weight is that of the authors' script, whose norm is over the whole map as ours", () => {
  expect(terms.schema.parse({ type: 'factor' })).toMatchObject({ weight: 500 });
  expect(terms.schema.parse({ type: 'factor', weight: 200 })).toMatchObject({ weight: 200 });
});

test('by hand: absolute differences of factors of length 1', () => {
  const teacher = {
    stage1: tf.tensor([
      [[[3, 0]], [[0, 4]]],
      [[[1, 0]], [[0, 0]]],
    ]),
  };
  const loss = lossOf('factor', {}, 'stage1', teacher, { auxiliary: (_, x) => x });
  const student = tf.tensor([
    [[[0, 2]], [[0, 0]]],
    [[[5, 0]], [[0, 0]]],
  ]);
  // (3, 0, 0, 4)/5 against (0, 1, 0, 0); the second sample has one direction on both sides.
  expectClose(loss(student), [(0.6 + 1 + 0.8) / 8]);
});

test('the larger factors are pooled to the smaller', () => {
  const map = sample([2, 4, 4, 3], 1);
  const loss = lossOf('factor', {}, 'stage1', { stage1: map }, { auxiliary: (_, x) => x });
  expectClose(loss(tf.avgPool(map as tf.Tensor4D, 2, 2, 'valid')), [0]);
});

const shapes: [TapShapes, TapShapes] = [{ stage1: [4, 4, 2] }, { stage1: [4, 4, 6] }];

test('the paraphraser is the encoder of the pretrained autoencoder', () => {
  const { auxiliary, matching } = bound('factor', { rate: 0.5, epochs: 7 }, ...shapes);
  expect(matching).toBe(false);
  const { forward, inputShape, pretraining } = auxiliary.paraphraser;
  const own = trace(forward, inputShape);
  expect(own.outputShape).toEqual([4, 4, 3]);
  expect(own.parameters.map(({ shape }) => shape)).toEqual([
    [3, 3, 6, 6],
    [6],
    [3, 3, 6, 3],
    [3],
    [3, 3, 3, 3],
    [3],
  ]);
  expect(pretraining).toMatchObject({ tap: 'stage1', epochs: 7 });
  const whole = trace(pretraining?.forward ?? forward, inputShape);
  expect(whole.outputShape).toEqual(inputShape);
  expect(whole.parameters.slice(0, 6)).toEqual(own.parameters);
  expect(auxiliary.translator.pretraining).toBeUndefined();
  expect(trace(auxiliary.translator.forward, auxiliary.translator.inputShape).outputShape).toEqual([4, 4, 3]);
});

test('leaky ReLU scales negative values by a tenth', () => {
  tf.tidy(() => {
    const { auxiliary } = bound('factor', { rate: 1 }, { stage1: [1, 1, 1] }, { stage1: [1, 1, 1] });
    const { forward, inputShape } = auxiliary.paraphraser;
    const parameters = Object.fromEntries(
      trace(forward, inputShape).parameters.map(({ name, shape }) => [
        name,
        name.endsWith('bias')
          ? tf.zeros(shape)
          : tf.pad(tf.ones([1, 1, 1, 1]), [
              [1, 1],
              [1, 1],
              [0, 0],
              [0, 0],
            ]),
      ]),
    );
    const x = tf.tensor([-8, 0, 3], [3, 1, 1, 1]);
    expectClose(run(forward, parameters, x).output, [-8e-3, 0, 3]);
  });
});

const setting = () => ({ student: shapes[0], teacher: { stage1: sample([3, 4, 4, 6], 1) } });

test('the translator is trained and the paraphraser is not', () => {
  const { loss, names, tensors } = trained('factor', {}, setting());
  expect(names).toEqual(
    [0, 1, 2].flatMap((i) => ['conv.weight', 'conv.bias'].map((part) => `translator/encoder.${i}.${part}`)),
  );
  const of = (...x: tf.Tensor[]) => loss(...x);
  const map = sample([3, 4, 4, 2]);
  tf.grads(of)([map, ...tensors]).forEach((gradient, i) => {
    // A bias before BatchNorm has no gradient.
    const least = names[i - 1]?.endsWith('conv.bias') ? -1 : 1e-6;
    expect(tf.max(tf.abs(gradient)).dataSync()[0], names[i - 1]).toBeGreaterThan(least);
  });
  expectNoLeak(() => tf.tidy(() => tf.grads(of)([map, ...tensors])));
});

test('its gradient is the one that finite differences give', () => {
  const loss = lossOf('factor', {}, 'stage1', setting().teacher, {
    auxiliary: (name, x) => (name === 'paraphraser' ? tf.slice(x, 0, [3, 4, 4, 3]) : x),
  });
  const x = sample([3, 4, 4, 3]);
  const gradient = tf.grad(loss)(x);
  const step = 2 ** -9;
  const values = x.dataSync();
  const differences = Array.from(values, (_, i) => {
    const at = (by: number) => {
      const moved = Float32Array.from(values);
      moved[i] += by;
      return loss(tf.tensor(moved, x.shape)).dataSync()[0];
    };
    return (at(step) - at(-step)) / (2 * step);
  });
  expectClose(gradient, differences, { relative: 2e-2, absolute: 2e-4 });
});
