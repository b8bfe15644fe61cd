import * as tf from '@tensorflow/tfjs-core';

/** What several terms compute with. */

/** The mean of squared differences over every element. */
export function meanSquaredError(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.mean(tf.square(tf.sub(a, b)));
}

/** `[batch, …]` → `[batch, D]` */
export function rows(x: tf.Tensor): tf.Tensor2D {
  return tf.reshape(x, [x.shape[0], -1]);
}

/**
 * The loss of a batch in which nothing can be compared: 0, with the slope 0. It hangs on x, so that a gradient exists,
 * but not on its values: 0·∞ would be NaN.
 */
export function nothing(x: tf.Tensor): tf.Tensor {
  return tf.sum(tf.zerosLike(x));
}

/**
 * Scales to length 1 along an axis. A vector shorter than 1e-12, PyTorch's guard, becomes 0 and gets no slope, where
 * PyTorch passes on 1e12 times what arrives: a dead unit is common, and its direction means nothing.
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
      // What points along the vector changes its length alone.
      gradFunc: (dy: tf.Tensor, [u, scale]: tf.Tensor[]) =>
        tf.mul(scale, tf.sub(dy, tf.mul(u, tf.sum(tf.mul(dy, u), axis, true)))),
    };
  })(x);
}

/**
 * Mean over every element of smooth L1: d²/2 for |d| < 1, |d| − ½ beyond.
 *
 * @param constant gets no gradient
 */
export function smoothL1(x: tf.Tensor, constant: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const difference = tf.sub(input as tf.Tensor, constant);
    // c·(d − c/2) is both branches at once, and c is the slope.
    const clipped = tf.clipByValue(difference, -1, 1);
    (save as tf.GradSaveFunc)([clipped]);
    return {
      value: tf.mean(tf.mul(clipped, tf.sub(difference, tf.mul(clipped, 0.5)))),
      gradFunc: (dy: tf.Tensor, [slope]: tf.Tensor[]) => tf.mul(slope, tf.div(dy, slope.size)),
    };
  })(x);
}
