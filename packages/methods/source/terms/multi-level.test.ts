import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { lossOf } from '../testing/terms.ts';

beforeAll(() => startEngine());

const { log } = Math;

test('by hand: samples (½, ½), (¾, ¼) against twice (½, ½)', () => {
  const teacher = tf.zeros([2, 2]);
  const f = lossOf('multi_level', { temperatures: [1] }, 'logits', { logits: teacher });
  const student = tf.tensor([
    [0, 0],
    [log(3), 0],
  ]);
  const each = (0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25)) / 2;
  // p·pᵀ: ½, ½, ⅝ against ½ everywhere; pᵀ·p: 13⁄16, 7⁄16, 5⁄16 against ½.
  const samples = (0 + 0 + 0 + (5 / 8 - 1 / 2) ** 2) / 2;
  const classes = ((13 / 16 - 1 / 2) ** 2 + 2 * (7 / 16 - 1 / 2) ** 2 + (5 / 16 - 1 / 2) ** 2) / 2;
  expectClose(f(student), [each + samples + classes]);
});

test('is the sum over temperatures, the divergence times T²', () => {
  const [s, t] = [sample([4, 5]), sample([4, 5], 1)];
  const at = (temperatures: number[]) =>
    lossOf('multi_level', { temperatures }, 'logits', { logits: t })(s).dataSync()[0];
  expectClose([at([2, 5])], [at([2]) + at([5])]);
  // The three parts, each alone.
  const soft = (z: tf.Tensor, T: number) => tf.softmax(tf.div<tf.Tensor2D>(z, T));
  const [q, p] = [soft(s, 3), soft(t, 3)];
  const kl = lossOf('soft_target', { temperature: 3 }, 'logits', { logits: t })(s).dataSync()[0];
  const gap = (rows: boolean) =>
    tf.sum(tf.square(tf.sub(tf.matMul(p, p, !rows, rows), tf.matMul(q, q, !rows, rows)))).dataSync()[0];
  expectClose([at([3])], [kl + gap(true) / 4 + gap(false) / 5]);
});
