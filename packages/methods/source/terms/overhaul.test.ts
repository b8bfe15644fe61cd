import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { bound, lossOf, lossOfTaps, thrown } from '../testing/terms.ts';
import { expectTrains, trained } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const line = (values: number[]) => tf.tensor(values, [1, 1, values.length, 1]);
const same = { auxiliary: (_name: string, x: tf.Tensor) => x };

test('by hand: teachers below the margin, between it and 0, and above 0', () => {
  const teacher = { x: line([-3, -3, -1, -1, 2, 2]) };
  const f = lossOf('overhaul', { margins: [-2] }, 'x', teacher, same);
  const student = line([-1, -5, 0, -4, 3, -1]);
  expectClose(f(student), [1 + 0 + 1 + 0 + 1 + 9]);
  expectClose(tf.grad(f)(student), [2, 0, 2, 0, 2, -6]);
});

test("without margins, each channel's is the mean of its negative values in the batch", () => {
  // Channels (−1, −3, 4, 2) and (1, 0, 5, 2): margins −2 and 0.
  const teacher = { x: tf.tensor([-1, 1, -3, 0, 4, 5, 2, 2], [2, 1, 2, 2]) };
  const f = lossOf('overhaul', {}, 'x', teacher, same);
  const student = tf.tensor([-2, 1, 0, -1, 4, 5, 2, 2], [2, 1, 2, 2]);
  // Only the second value of the first channel is above its target, by 2.
  expectClose(f(student), [4 / 2]);
});

test('an earlier stage counts half as much as the one after it', () => {
  const one = (value: number) => line([value]);
  const f = lossOfTaps('overhaul', {}, ['a', 'b'], { a: one(1), b: one(1) }, same);
  expectClose(f(one(3), one(4)), [4 / 2 + 9]);
});

test('the student and its connectors get the gradient that finite differences give', () => {
  const student = { stage1: [3, 3, 2], stage2: [2, 2, 3] };
  const teacher = { stage1: sample([3, 4, 3, 4], 1), stage2: sample([3, 2, 2, 3], 3) };
  const { term } = trained('overhaul', {}, { student, teacher });
  expect(term.matching).toBe(false);
  // At every stage, also between equal channels.
  expect(Object.keys(term.auxiliary)).toEqual(['connector1', 'connector2']);
  expectTrains('overhaul', {}, { student, teacher }, { step: 2 ** -9, tolerance: 2e-2 });
});

test('refuses margins whose number is not that of the channels', () => {
  const maps = { a: [2, 2, 3], b: [2, 2, 2] };
  const bind = (margins: unknown) => thrown(() => bound('overhaul', { margins }, maps, maps));
  expect(bind([-1, -1, -1])).toMatchObject({
    name: 'TapError',
    path: '/margins',
    message: "there are margins for [3] channels, but the teacher's maps have [3,2] channels",
  });
  expect(() =>
    bound(
      'overhaul',
      {
        margins: [
          [-1, -1, -1],
          [-1, -1],
        ],
      },
      maps,
      maps,
    ),
  ).not.toThrow();
});
