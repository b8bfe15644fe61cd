import * as tf from '@tensorflow/tfjs-core';
import { chain, mapValues, type Transform, zeroSlots } from './transform.ts';

export interface MomentumNumbers {
  /** The decay of the buffer; 0 switches momentum off. */
  momentum: number;
  nesterov: boolean;
}

/** Momentum as in PyTorch: the buffer of the first step is the gradient itself. */
export function scaleByMomentum({ momentum, nesterov }: MomentumNumbers): Transform {
  if (momentum === 0) return chain();
  return (variables) => {
    const buffers = zeroSlots(variables);
    return {
      update: (update) => ({
        ...update,
        changes: mapValues(update.changes, (gradient, name) =>
          tf.tidy(() => {
            const moved = tf.add(tf.mul(buffers[name].read(), momentum), gradient);
            buffers[name].assign(moved);
            return nesterov ? tf.add(gradient, tf.mul(moved, momentum)) : moved;
          }),
        ),
      }),
      state: { momentum: buffers },
    };
  };
}
