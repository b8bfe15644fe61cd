import * as tf from '@tensorflow/tfjs-core';

/** Arithmetic that several terms share. */

/** Computes the mean of squared differences over every element. */
export function meanSquaredError(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.mean(tf.square(tf.sub(a, b)));
}

/** Flattens each sample: `[batch, …]` → `[batch, D]`. */
export function rows(x: tf.Tensor): tf.Tensor2D {
  return tf.reshape(x, [x.shape[0], -1]);
}

/**
 * Returns 0 with a gradient of 0, the loss of a batch in which there is nothing to compare. It depends on x, so that a
 * gradient exists, but not on the values of x: 0·∞ would be NaN.
 */
export function zeroLoss(x: tf.Tensor): tf.Tensor {
  return tf.sum(tf.zerosLike(x));
}

/**
 * Scales vectors along an axis to length 1. A vector shorter than 1e-12, PyTorch's threshold, becomes 0 and gets no
 * gradient, where PyTorch multiplies the gradient by 1e12: dead units are common, and their direction is meaningless.
 */
export function unit(x: tf.Tensor, axis = -1): tf.Tensor {
  return tf.customGrad((input, save) => {
    const vector = input as tf.Tensor;
    const squared = tf.sum(tf.square(vector), axis, true);
    const long = tf.cast(tf.greater(squared, 1e-24), 'float32');
    const inverse = tf.div(long, tf.sqrt(tf.maximum(squared, 1e-24)));
    const value = tf.mul(vector, inverse);
    (save as tf.GradSaveFunc)([value, inverse]);
    return {
      value,
      // The part of the gradient along the vector would only change its length.
      gradFunc: (dy: tf.Tensor, [u, scale]: tf.Tensor[]) =>
        tf.mul(scale, tf.sub(dy, tf.mul(u, tf.sum(tf.mul(dy, u), axis, true)))),
    };
  })(x);
}

/**
 * Computes the mean of smooth L1 over every element: d²/2 for |d| < 1, else |d| − ½, with d = x − constant.
 *
 * @param constant the target, which gets no gradient
 */
export function smoothL1(x: tf.Tensor, constant: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const difference = tf.sub(input as tf.Tensor, constant);
    // With c = d clipped to [−1, 1], c·(d − c/2) covers both branches, and c is the derivative.
    const clipped = tf.clipByValue(difference, -1, 1);
    (save as tf.GradSaveFunc)([clipped]);
    return {
      value: tf.mean(tf.mul(clipped, tf.sub(difference, tf.mul(clipped, 0.5)))),
      gradFunc: (dy: tf.Tensor, [slope]: tf.Tensor[]) => tf.mul(slope, tf.div(dy, slope.size)),
    };
  })(x);
}
