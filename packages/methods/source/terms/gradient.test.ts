import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '@distillery/engine/testing';
import { bound, lossOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

test('by hand: squares are summed over the pixels and averaged over the batch', () => {
  const teacher = {
    input_gradient: tf.tensor([
      [1, 0, 0],
      [0, 0, 2],
    ]),
  };
  const loss = lossOf('gradient', {}, 'input_gradient', teacher);
  const student = tf.tensor([
    [1, 2, -1],
    [3, 0, 2],
  ]);
  expectClose(loss(student), [(4 + 1 + 9) / 2]);
  expectClose(tf.grad(loss)(student), [0, 2, -1, 3, 0, 0]);
});

test('refuses a network without a differentiable input gradient', () => {
  const taps = { input_gradient: [3], logits: [2] };
  const error = thrown(() => bound('gradient', {}, taps, { logits: [2] }));
  expect(error).toMatchObject({
    name: 'TapError',
    path: '',
    message:
      "the teacher has no tap input_gradient: it must be a single network with the job's classes, and every operation in it must be differentiable",
  });
  expect(() => bound('gradient', {}, { logits: [2] }, taps)).toThrow(
    /^the student has no tap input_gradient/,
  );
});
