import * as tf from '@tensorflow/tfjs-core';
import { type Attribute, execute, float, hasKernels, integer, type, types } from '../backends/native.ts';
import { feed } from '../compiled/feed.ts';
import type { RandomStream } from '../random.ts';

/** What decides which elements are dropped. It is a type, not an interface, because tf.tidy only accepts types. */
export type Dropping = {
  /** The probability that an element becomes 0, in (0, 1). */
  rate: number;
  /** Returns the random stream of the current step. */
  stream: () => RandomStream;
};

/**
 * Sets each element to 0 with probability `rate` and scales the others by 1 / (1 − rate) (Srivastava et al., 2014). The mask is
 * the same on every engine. The project's own kernel computes it where it is used, in the gradient again; elsewhere the host
 * does.
 *
 * @param x a tensor of any shape
 */
export function dropout(x: tf.Tensor, dropping: Dropping): tf.Tensor {
  return hasKernels() ? native(x, dropping) : tf.mul(x, maskTensor(x.shape, dropping));
}

function native(x: tf.Tensor, dropping: Dropping): tf.Tensor {
  const attributes = [type('T', types.float32), ...droppingAttributes(dropping)];
  return tf.customGrad((input, save) => {
    const key = keyTensor(dropping);
    (save as tf.GradSaveFunc)([key]);
    return {
      value: execute('DistilleryDropout', attributes, [input as tf.Tensor, key])[0],
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        execute('DistilleryDropout', attributes, [dy, ...saved])[0],
    };
  })(x);
}

/** The factors of elements, which the host computes for each step: 0 or 1 / (1 − rate). */
export function maskTensor(shape: number[], { rate, stream }: Dropping): tf.Tensor {
  return feed(shape, () => maskOf(tf.util.sizeFromShape(shape), rate, keyOf(stream())));
}

/** The key of a mask, `[2]`, for operations that compute it themselves. */
export function keyTensor({ stream }: Dropping): tf.Tensor {
  return feed([2], () => keyOf(stream()));
}

/** The attributes of an operation that drops elements. */
export function droppingAttributes({ rate }: { rate: number }): Attribute[] {
  return [integer('threshold', thresholdOf(rate)), float('kept', 1 / (1 - rate))];
}

function keyOf(stream: RandomStream): Int32Array {
  return Int32Array.of(stream.uint32(), stream.uint32());
}

/** An element is dropped where its random number, in 0…2³² − 1, is below. */
function thresholdOf(rate: number): number {
  return Math.min(2 ** 32 - 1, Math.round(rate * 2 ** 32));
}

/**
 * Computes a mask from a key of two numbers. The factor of an element is a function of the key and its index alone, so that any
 * number of threads may compute it: a Weyl sequence with a step and a start of the key's, hashed by two rounds of multiply and
 * xorshift, whose constants are C. Wellons' (hash-prospector, 2022). `scripts/setup/kernels/mask.h` is the same function.
 */
export function maskOf(size: number, rate: number, [first, second]: Int32Array): Float32Array {
  const mask = new Float32Array(size);
  const threshold = thresholdOf(rate);
  const kept = 1 / (1 - rate);
  const step = second | 1;
  for (let index = 0; index < size; index++) {
    let x = (Math.imul(index, step) + first) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    mask[index] = (x ^ (x >>> 15)) >>> 0 < threshold ? 0 : kept;
  }
  return mask;
}
