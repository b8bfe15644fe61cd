import * as tf from '@tensorflow/tfjs-core';
import { execute, float, hasKernels, type, types } from '../backends/native.ts';
import { sumToChannels } from './bias-add.ts';

/**
 * Normalises each vector of the last axis to mean 0 and population variance 1, then scales and shifts it (Ba et al.,
 * 2016, arXiv:1607.06450).
 *
 * @param x `[batch, …, width]`
 * @param scale `[width]`
 * @param offset `[width]`
 */
export function layerNorm(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): tf.Tensor {
  return (hasKernels() ? native : composed)(x, scale, offset, epsilon);
}

function native(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): tf.Tensor {
  const attributes = [type('T', types.float32), float('epsilon', epsilon)];
  return tf.customGrad((input, factor, shift, save) => {
    const given = [input, factor] as tf.Tensor[];
    (save as tf.GradSaveFunc)(given);
    return {
      value: execute('DistilleryLayerNorm', attributes, [...given, shift as tf.Tensor])[0],
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        execute('DistilleryLayerNormGrad', attributes, [dy, ...saved], 3),
    };
  })(x, scale, offset);
}

/** The gradient is written out because that of the composition takes twice as many passes. */
function composed(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.customGrad((input, factor, shift, save) => {
    const centred = tf.sub(input as tf.Tensor, mean(input as tf.Tensor));
    const inverse = tf.rsqrt(tf.add(mean(tf.square(centred)), epsilon));
    const normal = tf.mul(centred, inverse);
    (save as tf.GradSaveFunc)([normal, inverse, factor as tf.Tensor]);
    return {
      value: tf.add(tf.mul(normal, factor as tf.Tensor), shift as tf.Tensor),
      gradFunc: (dy: tf.Tensor, [y, scaled, gamma]: tf.Tensor[]) => {
        const slope = tf.mul(dy, gamma);
        // Components that only change the mean or the length of the vector have no effect.
        const along = tf.mul(y, mean(tf.mul(slope, y)));
        return [
          tf.mul(scaled, tf.sub(tf.sub(slope, mean(slope)), along)),
          sumToChannels(tf.mul(dy, y)),
          sumToChannels(dy),
        ];
      },
    };
  })(x, scale, offset);
}

function mean(x: tf.Tensor): tf.Tensor {
  return tf.mean(x, -1, true);
}
