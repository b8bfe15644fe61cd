import * as tf from '@tensorflow/tfjs-core';
import { feedScalar } from '../compiled/feed.ts';
import { chain, eachChange, mapValues, type Transform } from './transform.ts';

/** Adds `decay` times each parameter to its gradient: the gradient of an L2 penalty of `decay / 2`. */
export function addDecayedWeights(decay: number): Transform {
  return decay === 0 ? chain() : eachChange((gradient, value) => tf.add(gradient, tf.mul(value, decay)));
}

/**
 * Multiplies the parameters by `1 − rate · decay` and leaves their gradients unchanged: the decoupled decay of AdamW
 * (Loshchilov and Hutter, 2019, arXiv:1711.05101), rounded as PyTorch rounds it.
 */
export function shrinkWeights(decay: number): Transform {
  if (decay === 0) return chain();
  return () => ({
    update(update, step) {
      const kept = feedScalar(() => 1 - step.rate * decay);
      return { ...update, values: mapValues(update.values, (value) => tf.mul(value, kept)) };
    },
  });
}
