import * as tf from '@tensorflow/tfjs-core';
import { execute, hasKernels, integer, type, types } from '../backends/native.ts';
import { type Dropping, droppingAttributes, keyTensor, maskTensor } from './dropout.ts';

/**
 * The parts of scaled dot-product attention with several heads (Vaswani et al., 2017, arXiv:1706.03762). Sequences are
 * `[batch, tokens, width]`. Masks are `[batch, tokens]` with 1 for keys that may be attended to and 0 for the others.
 */

export type AttendOptions = {
  heads: number;
  /** `[batch, tokens]` */
  mask?: tf.Tensor;
  /** Drops probabilities; absent: none. */
  dropping?: Dropping;
};

/**
 * Attends: softmax(q·kᵀ/√(width / heads))·v for each head.
 *
 * @param packed `[batch, tokens, 3 · width]`: queries, keys and values one after the other, as one product computes them
 * @returns `[batch, tokens, width]`
 */
export function attention(packed: tf.Tensor, options: AttendOptions): tf.Tensor {
  return (hasKernels() ? native : composed)(packed, options);
}

function native(packed: tf.Tensor, { heads, mask, dropping }: AttendOptions): tf.Tensor {
  const attributes = [
    type('T', types.float32),
    integer('heads', heads),
    ...droppingAttributes(dropping ?? { rate: 0 }),
  ];
  return tf.customGrad((input, save) => {
    const allowed = mask ?? tf.tensor1d([]);
    const key = dropping === undefined ? tf.tensor1d([], 'int32') : keyTensor(dropping);
    const given = [input as tf.Tensor, allowed, key];
    (save as tf.GradSaveFunc)(given);
    return {
      value: execute('DistilleryAttention', attributes, given)[0],
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        execute('DistilleryAttentionGrad', attributes, [dy, ...saved])[0],
    };
  })(packed);
}

function composed(packed: tf.Tensor, { heads, mask, dropping }: AttendOptions): tf.Tensor {
  const [q, k, v] = tf.split(packed, 3, -1);
  const p = probabilities(attentionScores(q, k, heads), mask);
  const kept = dropping === undefined ? p : tf.mul(p, maskTensor(p.shape, dropping));
  return attend(kept, v);
}

/** Computes the scores q·kᵀ/√(width / heads), `[batch, heads, tokens, tokens]`. */
export function attentionScores(q: tf.Tensor, k: tf.Tensor, heads: number): tf.Tensor4D {
  const [batch, tokens, width] = q.shape as [number, number, number];
  // Scaling the queries is cheaper than scaling the scores.
  const scaled = tf.mul(split(q, heads), Math.sqrt(heads / width));
  return tf.reshape(tf.matMul(scaled, split(k, heads), false, true), [batch, heads, tokens, tokens]);
}

/**
 * Computes the softmax over the keys. Masked keys get 0; if all keys are masked, they share the probability equally.
 */
function probabilities(scores: tf.Tensor4D, mask?: tf.Tensor): tf.Tensor {
  if (mask === undefined) return tf.softmax(scores);
  return tf.softmax(tf.add(scores, overKeys(tf.mul(tf.sub(mask, 1), 1e9))));
}

/** Replaces the scores of masked keys by 0. */
export function maskKeys(scores: tf.Tensor4D, mask: tf.Tensor): tf.Tensor {
  return tf.mul(scores, overKeys(mask));
}

/**
 * Sums the values, weighted by the probabilities.
 *
 * @param p `[batch, heads, tokens, tokens]`
 * @param v `[batch, tokens, width]`
 * @returns `[batch, tokens, width]`
 */
function attend(p: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const [batch, heads, tokens] = p.shape as [number, number, number, number];
  const mixed = tf.matMul(tf.reshape(p, [batch * heads, tokens, tokens]), split(v, heads));
  const apart = tf.reshape(mixed, [batch, heads, tokens, -1]);
  return tf.reshape(tf.transpose(apart, [0, 2, 1, 3]), v.shape);
}

/** Splits a sequence into heads: `[batch, tokens, width]` → `[batch·heads, tokens, width / heads]`. */
function split(x: tf.Tensor, heads: number): tf.Tensor3D {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const apart = tf.transpose(tf.reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
  return tf.reshape(apart, [batch * heads, tokens, width / heads]);
}

/** Broadcasts a mask over the keys of scores: `[batch, tokens]` → `[batch, 1, 1, tokens]`. */
function overKeys(mask: tf.Tensor): tf.Tensor {
  const [batch, tokens] = mask.shape as [number, number];
  return tf.reshape(mask, [batch, 1, 1, tokens]);
}
