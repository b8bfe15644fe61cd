import * as tf from '@tensorflow/tfjs-core';
import { mapValues, type Transform, zeroSlots } from './transform.ts';

export interface AdamNumbers {
  beta1: number;
  beta2: number;
  epsilon: number;
}

/**
 * Adam (Kingma and Ba, 2015, arXiv:1412.6980): m̂ / (√v̂ + ε), with the moments m and v of the gradient. The bias
 * corrections are factored out of the tensors: m̂ / (√v̂ + ε) = √c₂/c₁ · m / (√v + ε·√c₂), c being 1 − βᵗ.
 */
export function scaleByAdam({ beta1, beta2, epsilon }: AdamNumbers): Transform {
  return (variables) => {
    const [first, second] = [zeroSlots(variables), zeroSlots(variables)];
    return {
      update({ values, changes, scale }, { step }) {
        const root = Math.sqrt(1 - beta2 ** step);
        return {
          values,
          scale: (scale * root) / (1 - beta1 ** step),
          changes: mapValues(changes, (gradient, name) =>
            tf.tidy(() => {
              const m = tf.add(tf.mul(first[name].read(), beta1), tf.mul(gradient, 1 - beta1));
              const v = tf.add(tf.mul(second[name].read(), beta2), tf.mul(tf.square(gradient), 1 - beta2));
              first[name].assign(m);
              second[name].assign(v);
              return tf.div(m, tf.add(tf.sqrt(v), epsilon * root));
            }),
          ),
        };
      },
      state: { first_moment: first, second_moment: second },
    };
  };
}
