import * as tf from '@tensorflow/tfjs-core';

/**
 * The parts of scaled dot-product attention with several heads (Vaswani et al., 2017, arXiv:1706.03762). Sequences are
 * `[batch, tokens, width]`. Masks are `[batch, tokens]` with 1 for keys that may be attended to and 0 for the others.
 */

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
export function probabilities(scores: tf.Tensor4D, mask?: tf.Tensor): tf.Tensor {
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
export function attend(p: tf.Tensor, v: tf.Tensor): tf.Tensor {
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
