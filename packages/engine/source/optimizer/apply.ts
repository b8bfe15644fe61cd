import * as tf from '@tensorflow/tfjs-core';
import { feedScalar } from '../compiled/feed.ts';
import type { Transform } from './transform.ts';

/** Multiplies the changes by the step's learning rate. */
export function scaleByLearningRate(): Transform {
  return () => ({
    update: (update) => ({ ...update, scale: (step) => update.scale(step) * step.rate }),
  });
}

/** Subtracts the changes from the values, and assigns the results to the variables. */
export function applyChanges(): Transform {
  return (variables) => ({
    update({ values, changes, scale }, step) {
      const factor = feedScalar(() => scale(step));
      for (const [name, variable] of Object.entries(variables)) {
        tf.tidy(() => variable.assign(tf.sub(values[name], tf.mul(changes[name], factor))));
      }
      return { values: variables, changes: {}, scale };
    },
  });
}
