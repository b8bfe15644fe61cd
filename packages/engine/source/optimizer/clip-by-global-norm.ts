import * as tf from '@tensorflow/tfjs-core';
import { mapValues, type Transform } from './transform.ts';

/** Scales gradients whose L2 norm, taken over all variables, exceeds `limit` (Pascanu et al., 2013, arXiv:1211.5063). */
export function clipByGlobalNorm(limit: number): Transform {
  return () => ({
    update: (update) => ({
      ...update,
      changes: tf.tidy(() => {
        const squares = Object.values(update.changes).map((gradient) => tf.sum(tf.square(gradient)));
        const norm = tf.sqrt(tf.addN(squares));
        const factor = tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)));
        return mapValues(update.changes, (gradient) => tf.mul(gradient, factor));
      }),
    }),
  });
}
