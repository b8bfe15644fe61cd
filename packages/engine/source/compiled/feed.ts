import * as tf from '@tensorflow/tfjs-core';
import { recorder } from './recorder.ts';

type Values = Float32Array | Int32Array;

/**
 * Returns a tensor of values that the host computes anew for every step: a learning rate, a schedule, a dropout mask. A
 * compiled step calls `compute` each time it runs. Any other value from the host would become a constant of it.
 *
 * @param compute reads what changes between steps when it is called
 */
export function feed(shape: number[], compute: () => Values): tf.Tensor {
  return recorder()?.feed(shape, compute) ?? tf.tensor(compute(), shape);
}

/** Returns a number that the host computes anew for every step, as `feed` does. */
export function feedScalar(compute: () => number): tf.Scalar {
  return feed([], () => Float32Array.of(compute())) as tf.Scalar;
}
