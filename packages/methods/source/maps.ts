import * as tf from '@tensorflow/tfjs-core';

/** Maps are `[batch, height, width, channels]`. */

/** Two maps at the smaller of their heights and of their widths. */
export function atSmallerSize(a: tf.Tensor, b: tf.Tensor): [tf.Tensor4D, tf.Tensor4D] {
  const [x, y] = [a as tf.Tensor4D, b as tf.Tensor4D];
  const height = Math.min(x.shape[1], y.shape[1]);
  const width = Math.min(x.shape[2], y.shape[2]);
  return [adaptiveAveragePool(x, height, width), adaptiveAveragePool(y, height, width)];
}

/** `[batch, height, width, channels]` → `[batch, height·width, channels]` */
export function positions(map: tf.Tensor4D): tf.Tensor3D {
  return tf.reshape(map, [map.shape[0], -1, map.shape[3]]);
}

/**
 * PyTorch's `adaptive_avg_pool2d`: position i of n averages the positions ⌊i·N/n⌋ to ⌈(i+1)·N/n⌉ of N, so windows
 * overlap where N is not a multiple of n.
 */
export function adaptiveAveragePool(map: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [batch, fromHeight, fromWidth, channels] = map.shape;
  if (fromHeight === height && fromWidth === width) return map;
  if (fromHeight % height === 0 && fromWidth % width === 0) {
    const window: [number, number] = [fromHeight / height, fromWidth / width];
    return tf.avgPool(map, window, window, 'valid');
  }
  // Windows of different sizes, one axis after the other, each as a product with the matrix of averages.
  const columns = tf.reshape(tf.transpose(map, [0, 2, 3, 1]), [-1, fromHeight]);
  const low = tf.reshape(tf.matMul(columns, averages(fromHeight, height)), [
    batch,
    fromWidth,
    channels,
    height,
  ]);
  const lines = tf.reshape(tf.transpose(low, [0, 3, 2, 1]), [-1, fromWidth]);
  const narrow = tf.reshape(tf.matMul(lines, averages(fromWidth, width)), [batch, height, channels, width]);
  return tf.transpose(narrow, [0, 1, 3, 2]) as tf.Tensor4D;
}

/** `[from, to]`: column i averages window i. */
function averages(from: number, to: number): tf.Tensor2D {
  const windows = Array.from({ length: to }, (_, i) => {
    const [start, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    return Array.from({ length: from }, (_, at) => (at >= start && at < end ? 1 / (end - start) : 0));
  });
  return tf.transpose(tf.tensor2d(windows));
}
