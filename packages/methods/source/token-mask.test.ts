import { startEngine } from '@distillery/engine';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { bound, lossOfTaps, type Taps } from './testing/terms.ts';
import { maskedMean, tokenMaskTap } from './token-mask.ts';

beforeAll(() => startEngine());

// Terms that compare tokens, with the taps that they read of one layer.
const [tokens, words] = [5, 3];
const cases: Record<string, { taps: Record<string, number[]> }> = {
  hidden_states: { taps: { hidden1: [tokens, 4] } },
  attention_heads: { taps: { attention1: [2, tokens, tokens] } },
  minilm: { taps: { queries1: [tokens, 8], keys1: [tokens, 8], values1: [tokens, 8] } },
};

/** Taps of one text, of three words and padding. */
const tapsOf = (shapes: Record<string, number[]>, phase: number): Taps =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, sample([1, ...shape], phase + i)]),
  );

/** The part of a tap that the words have. */
function ofWords(tap: tf.Tensor): tf.Tensor {
  const size = tap.shape.map((extent) => (extent === tokens ? words : extent));
  return tf.slice(
    tap,
    tap.shape.map(() => 0),
    size,
  );
}

const mask = () => tf.tensor2d([[1, 1, 1, 0, 0]]);

describe.each(Object.entries(cases))('%s', (type, { taps: shapes }) => {
  const names = Object.keys(shapes);
  const masked = (teacher: Taps) => {
    const loss = lossOfTaps(type, {}, [...names, 'tokens'], teacher);
    return (...x: tf.Tensor[]) => loss(...x, mask());
  };

  test('is the loss of a text without its padding', () => {
    const [student, teacher] = [tapsOf(shapes, 1), tapsOf(shapes, 7)];
    const short = Object.fromEntries(Object.entries(teacher).map(([name, tap]) => [name, ofWords(tap)]));
    const expected = lossOfTaps(type, {}, names, short)(...Object.values(student).map(ofWords));
    expectClose(masked(teacher)(...Object.values(student)), [...expected.dataSync()]);
    expect(expected.dataSync()[0]).toBeGreaterThan(0);
    // Without a mask, padding counts.
    const all = lossOfTaps(type, {}, names, teacher)(...Object.values(student));
    expect(Math.abs(all.dataSync()[0] - expected.dataSync()[0])).toBeGreaterThan(1e-4);
  });

  test('has the gradient that finite differences give, 0 for padding, and leaves no tensors behind', () => {
    const f = masked(tapsOf(shapes, 7));
    const x = Object.values(tapsOf(shapes, 1));
    expectGradient(f, x);
    for (const gradient of tf.grads(f)(x)) {
      const kept = tf.pad(
        ofWords(tf.onesLike(gradient)),
        gradient.shape.map((extent) => [0, extent === tokens ? tokens - words : 0]),
      );
      expect(tf.max(tf.abs(tf.mul(gradient, tf.sub(1, kept)))).dataSync()[0]).toBe(0);
    }
    expectNoLeak(() => tf.tidy(() => tf.grads(f)(x)));
  });

  test('a batch without any word has a loss of 0', () => {
    const loss = lossOfTaps(type, {}, [...names, 'tokens'], tapsOf(shapes, 7));
    const value = loss(...Object.values(tapsOf(shapes, 1)), tf.zeros([1, tokens]));
    expect(value.dataSync()[0]).toBe(0);
  });

  test('reads the mask of texts, and none of images', () => {
    expect(bound(type, {}, { ...shapes, tokens: [tokens] }, shapes).student).toEqual([...names, 'tokens']);
    expect(bound(type, {}, shapes, shapes).student).toEqual(names);
  });
});

test('a mask is that of the tokens that are compared', () => {
  expect(tokenMaskTap({ tokens: [5] }, 5)).toEqual(['tokens']);
  // A network that pools its tokens compares fewer.
  expect(tokenMaskTap({ tokens: [5] }, 3)).toEqual([]);
  expect(tokenMaskTap({}, 5)).toEqual([]);
});

test('the mean of what a mask keeps', () => {
  const x = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 3, 2]);
  expectClose(maskedMean(x, undefined), [3.5]);
  expectClose(maskedMean(x, tf.tensor3d([1, 0, 1], [1, 3, 1])), [3.5]);
  expectClose(maskedMean(x, tf.tensor3d([0, 1, 0], [1, 3, 1])), [3.5]);
  expectClose(maskedMean(x, tf.tensor3d([0, 0, 1], [1, 3, 1])), [5.5]);
});
