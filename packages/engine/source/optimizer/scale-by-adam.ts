import * as tf from '@tensorflow/tfjs-core';
import { feedScalar } from '../compiled/feed.ts';
import { mapValues, type OptimizerStep, type Transform, zeroSlots } from './transform.ts';

export interface AdamNumbers {
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** The bias corrections of a step: √c₂, and √c₂/c₁, c being 1 − βᵗ. */
export function adamCorrections({ beta1, beta2 }: AdamNumbers, { step }: OptimizerStep) {
  const root = Math.sqrt(1 - beta2 ** step);
  return { root, scale: root / (1 - beta1 ** step) };
}

/**
 * Adam (Kingma and Ba, 2015, arXiv:1412.6980): m̂ / (√v̂ + ε), with the moments m and v of the gradient. The bias
 * corrections are factored out of the tensors: m̂ / (√v̂ + ε) = √c₂/c₁ · m / (√v + ε·√c₂), c being 1 − βᵗ.
 */
export function scaleByAdam(numbers: AdamNumbers): Transform {
  const { beta1, beta2, epsilon } = numbers;
  return (variables) => {
    const [first, second] = [zeroSlots(variables), zeroSlots(variables)];
    return {
      update({ values, changes, scale }, step) {
        const smoothing = feedScalar(() => epsilon * adamCorrections(numbers, step).root);
        return {
          values,
          scale: (current) => scale(current) * adamCorrections(numbers, current).scale,
          changes: mapValues(changes, (gradient, name) =>
            tf.tidy(() => {
              const m = tf.add(tf.mul(first[name].read(), beta1), tf.mul(gradient, 1 - beta1));
              const v = tf.add(tf.mul(second[name].read(), beta2), tf.mul(tf.square(gradient), 1 - beta2));
              first[name].assign(m);
              second[name].assign(v);
              return tf.div(m, tf.add(tf.sqrt(v), smoothing));
            }),
          ),
        };
      },
      state: { first_moment: first, second_moment: second },
    };
  };
}
