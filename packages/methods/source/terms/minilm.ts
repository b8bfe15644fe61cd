import { logSoftmax } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence } from '../logits.ts';
import { type TapShapes, type Term, TapError } from '../term.ts';

const layer = z.int().min(1).max(64).optional();

const options = z.strictObject({
  weight: weightSchema.default(1),
  studentLayer: layer.describe("the student's layer, counted from 1; default: its last"),
  teacherLayer: layer.describe(
    "the teacher's layer; default: its last. Of deep teachers the paper takes one before it",
  ),
  relationHeads: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('must divide both widths; default: the most, up to 48, that leave each a width of 8 or more'),
});

const parts = ['queries', 'keys', 'values'];

/**
 * Self-attention relations (Wang et al., MiniLMv2, Findings of ACL 2021, arXiv:2012.15828): Σ over queries, keys and
 * values of one layer of the mean over heads and tokens of KL(R_t ‖ R_s), R = softmax(x·xᵀ/√d), `[tokens, tokens]`. The
 * vectors x of all attention heads are joined and cut into relation heads of width d: student and teacher may differ in
 * widths, in heads and in layers, and nothing is trained between them.
 */
export const minilm: Term<typeof options> = {
  type: 'minilm',
  summary:
    "KL divergence of how the tokens of a transformer's layer relate, by their queries, keys and values",
  formula:
    'Σ over queries, keys and values of mean KL(R_t ‖ R_s), R = softmax(x·xᵀ/√d) between the tokens, x cut into relation heads of width d',
  reference: 'https://arxiv.org/abs/2012.15828',
  options,
  bind({ studentLayer, teacherLayer, relationHeads }, studentTaps, teacherTaps) {
    const ours = tapsOf('student', studentLayer, studentTaps);
    const theirs = tapsOf('teacher', teacherLayer, teacherTaps);
    const [from, to] = [studentTaps[ours[0]], teacherTaps[theirs[0]]];
    if (from[0] !== to[0]) {
      const message = `the student's ${ours[0]} [${from}] and the teacher's ${theirs[0]} [${to}] differ in their tokens`;
      throw new TapError('', message, undefined);
    }
    const possible = commonDivisors(from[1], to[1]);
    const heads = relationHeads ?? usualHeads(possible, Math.min(from[1], to[1]));
    if (!possible.includes(heads)) {
      const message = `${heads} relation heads do not divide the widths ${from[1]} and ${to[1]}`;
      throw new TapError('/relationHeads', message, relationHeads, possible);
    }
    return {
      student: ours,
      teacher: theirs,
      matching: true,
      auxiliary: {},
      loss: ({ student, teacher }) =>
        tf.addN(
          parts.map((_, i) =>
            divergence(relations(teacher[theirs[i]], heads), relations(student[ours[i]], heads)),
          ),
        ),
    };
  },
};

/**
 * The logarithms of softmax(x·xᵀ/√d), each row one token of one head.
 *
 * @param x `[batch, tokens, width]`
 * @returns `[batch·heads·tokens, tokens]`
 */
function relations(x: tf.Tensor, heads: number): tf.Tensor2D {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const apart = tf.transpose(tf.reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
  const vectors = tf.mul(tf.reshape(apart, [batch * heads, tokens, width / heads]), (heads / width) ** 0.25);
  return logSoftmax(tf.reshape(tf.matMul(vectors, vectors, false, true), [-1, tokens]));
}

/** Queries, keys and values of a layer. */
function tapsOf(whose: 'student' | 'teacher', chosen: number | undefined, taps: TapShapes): string[] {
  const layers = Object.keys(taps).flatMap((tap) => /^queries(\d+)$/.exec(tap)?.slice(1).map(Number) ?? []);
  const number = chosen ?? Math.max(...layers);
  if (layers.includes(number)) return parts.map((part) => `${part}${number}`);
  const message =
    layers.length === 0
      ? `the ${whose} has no queries1, queries2…: it is no transformer`
      : `the ${whose} has no layer ${number}`;
  throw new TapError(`/${whose}Layer`, message, chosen, layers);
}

/** The paper's 48 where the student's width is its 384; relations of fewer than 8 numbers say little, at much cost. */
function usualHeads(possible: readonly number[], width: number): number {
  return Math.max(1, ...possible.filter((count) => count <= 48 && width / count >= 8));
}

function commonDivisors(a: number, b: number): number[] {
  return Array.from({ length: Math.min(a, b) }, (_, i) => i + 1).filter((n) => a % n === 0 && b % n === 0);
}
