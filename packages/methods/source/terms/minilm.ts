import { logSoftmax } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence } from '../logits.ts';
import { type TapShapes, type Term, TapError } from '../term.ts';
import { tokenMask, tokenMaskTap } from '../token-mask.ts';

const layer = z.int().min(1).max(64).optional();

const options = z.strictObject({
  weight: weightSchema.default(1),
  studentLayer: layer.describe('Layer of the student, counted from 1. Defaults to the last.'),
  teacherLayer: layer.describe(
    'Layer of the teacher, counted from 1. Defaults to the last; for deep teachers the paper uses an earlier one.',
  ),
  relationHeads: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'Number of relation heads, which must divide both widths. Defaults to the largest number up to 48 that leaves each head a width of at least 8.',
    ),
});

const parts = ['queries', 'keys', 'values'];

/**
 * Self-attention relations (Wang et al., MiniLMv2, Findings of ACL 2021, arXiv:2012.15828): the sum over queries, keys
 * and values of one layer of the mean over heads and tokens of KL(R_t ‖ R_s), where R = softmax(x·xᵀ/√d), `[tokens,
 * tokens]`. The vectors x of all attention heads are joined and split into relation heads of width d, so student and
 * teacher may differ in width, heads and layers without a trained projection between them. Padding relates to no token.
 */
export const minilm: Term<typeof options> = {
  type: 'minilm',
  summary:
    'Matches how the tokens in one layer of a transformer relate by their queries, keys and values, by KL divergence.',
  formula:
    'Σ over queries, keys and values of mean KL(R_t ‖ R_s), R = softmax(x·xᵀ/√d) between the tokens, x split into relation heads of width d',
  reference: 'https://arxiv.org/abs/2012.15828',
  options,
  bind({ studentLayer, teacherLayer, relationHeads }, studentTaps, teacherTaps) {
    const ours = tapsOf('student', studentLayer, studentTaps);
    const theirs = tapsOf('teacher', teacherLayer, teacherTaps);
    const [from, to] = [studentTaps[ours[0]], teacherTaps[theirs[0]]];
    if (from[0] !== to[0]) {
      const message = `the student's ${ours[0]} [${from}] and the teacher's ${theirs[0]} [${to}] differ in the number of tokens`;
      throw new TapError('', message, undefined);
    }
    const possible = commonDivisors(from[1], to[1]);
    const heads = relationHeads ?? usualHeads(possible, Math.min(from[1], to[1]));
    if (!possible.includes(heads)) {
      const message = `${heads} relation heads do not divide the student's width ${from[1]} and the teacher's ${to[1]}`;
      throw new TapError('/relationHeads', message, relationHeads, possible);
    }
    const mask = tokenMaskTap(studentTaps, from[0]);
    return {
      student: [...ours, ...mask],
      teacher: theirs,
      matching: true,
      auxiliary: {},
      loss({ student, teacher }) {
        const present = tokenMask(student, mask);
        const rows = present && rowWeights(present, heads);
        return tf.addN(
          parts.map((_, i) =>
            divergence(
              relations(teacher[theirs[i]], heads, present),
              relations(student[ours[i]], heads, present),
              rows,
            ),
          ),
        );
      },
    };
  },
};

/** Far below every product of two vectors: its exponential is 0. */
const excluded = -1e9;

/** The weights of the rows of `relations` whose mean is that over the tokens without padding, `[batch·heads·tokens]`. */
function rowWeights(mask: tf.Tensor2D, heads: number): tf.Tensor1D {
  const rows = tf.reshape(tf.tile(tf.expandDims(mask, 1), [1, heads, 1]), [-1]);
  return tf.div(rows, tf.maximum(tf.mean(rows), 1 / rows.size));
}

/**
 * Computes the logarithm of softmax(x·xᵀ/√d). Each row is one token of one head.
 *
 * @param x `[batch, tokens, width]`
 * @param mask `[batch, tokens]`, 0 for tokens that no token relates to. Absent: there are none
 * @returns `[batch·heads·tokens, tokens]`
 */
function relations(x: tf.Tensor, heads: number, mask: tf.Tensor2D | undefined): tf.Tensor2D {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const apart = tf.transpose(tf.reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
  const vectors = tf.mul(tf.reshape(apart, [batch * heads, tokens, width / heads]), (heads / width) ** 0.25);
  const products = tf.matMul(vectors, vectors, false, true);
  if (mask === undefined) return logSoftmax(tf.reshape(products, [-1, tokens]));
  const keys = tf.mul(tf.sub(1, mask), excluded);
  const related = tf.add(
    tf.reshape(products, [batch, heads, tokens, tokens]),
    tf.reshape(keys, [batch, 1, 1, tokens]),
  );
  return logSoftmax(tf.reshape(related, [-1, tokens]));
}

/**
 * Returns the names of a layer's queries, keys and values.
 *
 * @throws TapError if the network has no such layer or is not a transformer
 */
function tapsOf(whose: 'student' | 'teacher', chosen: number | undefined, taps: TapShapes): string[] {
  const layers = Object.keys(taps).flatMap((tap) => /^queries(\d+)$/.exec(tap)?.slice(1).map(Number) ?? []);
  const number = chosen ?? Math.max(...layers);
  if (layers.includes(number)) return parts.map((part) => `${part}${number}`);
  const message =
    layers.length === 0
      ? `the ${whose} is not a transformer: it has no taps queries1, queries2…`
      : `the ${whose} has no layer ${number}`;
  throw new TapError(`/${whose}Layer`, message, chosen, layers);
}

/** Returns the paper's 48 heads for its width of 384. Heads narrower than 8 carry little information at a high cost. */
function usualHeads(possible: readonly number[], width: number): number {
  return Math.max(1, ...possible.filter((count) => count <= 48 && width / count >= 8));
}

function commonDivisors(a: number, b: number): number[] {
  return Array.from({ length: Math.min(a, b) }, (_, i) => i + 1).filter((n) => a % n === 0 && b % n === 0);
}
