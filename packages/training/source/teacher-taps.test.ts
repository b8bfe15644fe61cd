import { startEngine } from '@distillery/engine';
import { expectClose, expectNoLeak, sample } from '@distillery/engine/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { computedTaps, storedTaps, type TeacherInLoop } from './teacher-taps.ts';

beforeAll(() => startEngine());

/** Its logits are multiples of its two inputs; it records the sizes of its batches. */
function teacher(factor: number, activations = 1) {
  const sizes: number[] = [];
  const disposed = { times: 0 };
  const provider: TeacherInLoop['provider'] = {
    taps: { logits: [2], stage1: [1] },
    activations,
    predict({ images, labels }, taps) {
      sizes.push(images.shape[0]);
      expect(labels.shape[0]).toBe(images.shape[0]);
      const all = { logits: () => tf.mul(images, factor), stage1: () => tf.sum(images, 1, true) };
      return tf.tidy(() => Object.fromEntries(taps.map((tap) => [tap, all[tap as keyof typeof all]()])));
    },
    dispose: () => {
      disposed.times++;
    },
  };
  return { provider, sizes, disposed };
}

const labels = () => tf.tensor1d([0, 1, 1, 0, 1, 0, 0], 'int32');
const batch = () => ({ inputs: sample([7, 2]), labels: labels(), rows: {} });

test('taps that are computed have the names by which terms read them', () => {
  tf.tidy(() => {
    const { provider } = teacher(2);
    const given = batch();
    const taps = computedTaps([{ provider, names: { stage1: 'a/stage1', logits: 'a/logits' } }]).of(given);
    expect(Object.keys(taps)).toEqual(['a/stage1', 'a/logits']);
    expectClose(taps['a/logits'], [...tf.mul(given.inputs, 2).dataSync()]);
    expectClose(taps['a/stage1'], [...tf.sum(given.inputs, 1).dataSync()]);
  });
});

test('a batch larger than a forward pass may be is computed in parts', () => {
  tf.tidy(() => {
    // A pass has at most 24 million activations: three samples here.
    const { provider, sizes } = teacher(2, 8e6);
    const given = batch();
    const taps = computedTaps([{ provider, names: { logits: 'logits', stage1: 'stage1' } }]).of(given);
    // A compiled pass runs in JavaScript only to be recorded.
    expect([...new Set(sizes)]).toEqual([3, 1]);
    expect(taps.logits.shape).toEqual([7, 2]);
    expectClose(taps.logits, [...tf.mul(given.inputs, 2).dataSync()]);
    expectClose(taps.stage1, [...tf.sum(given.inputs, 1).dataSync()]);
  });
});

test.each(['mean', 'best'] as const)('computed and stored taps are combined alike: %s', (combine) => {
  tf.tidy(() => {
    const ensemble = { names: ['a', 'b'], weights: [1, 3], combine };
    const teachers = [teacher(2), teacher(-1)];
    const given = batch();
    const computed = computedTaps(
      teachers.map(({ provider }, i) => ({ provider, names: { logits: `${ensemble.names[i]}/logits` } })),
      ensemble,
    ).of(given);
    const rows = { 'a/logits': tf.mul(given.inputs, 2), 'b/logits': tf.mul(given.inputs, -1) };
    const stored = storedTaps({ position: new Int32Array(), taps: {} }, ensemble).of({ ...given, rows });
    expect(Object.keys(computed).sort()).toEqual(['a/logits', 'b/logits', 'logits']);
    expect([...computed.logits.dataSync()]).toEqual([...stored.logits.dataSync()]);
    // (2 − 3) / 4 of the inputs; where the label decides, one of the two.
    if (combine === 'mean') expectClose(computed.logits, [...tf.mul(given.inputs, -0.25).dataSync()]);
  });
});

test('neither leaks a tensor, and all teachers are freed together', () => {
  const teachers = [teacher(2, 8e6), teacher(3)];
  const ensemble = { names: ['a', 'b'], weights: [1, 1], combine: 'mean' } as const;
  const computed = computedTaps(
    teachers.map(({ provider }, i) => ({ provider, names: { logits: `${ensemble.names[i]}/logits` } })),
    ensemble,
  );
  const given = batch();
  expectNoLeak(() => tf.tidy(() => computed.of(given)));
  const rows = { 'a/logits': sample([7, 2]), 'b/logits': sample([7, 2]) };
  const stored = storedTaps({ position: new Int32Array(), taps: {} }, ensemble);
  expectNoLeak(() => tf.tidy(() => ({ logits: stored.of({ ...given, rows }).logits })));
  computed.dispose();
  expect(teachers.map(({ disposed }) => disposed.times)).toEqual([1, 1]);
});
