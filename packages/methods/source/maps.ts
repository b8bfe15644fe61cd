import * as tf from '@tensorflow/tfjs-core';

/** Resizing of maps, `[batch, height, width, channels]`. */

/** Average-pools two maps to the smaller of their heights and the smaller of their widths. */
export function atSmallerSize(a: tf.Tensor, b: tf.Tensor): [tf.Tensor4D, tf.Tensor4D] {
  const [x, y] = [a as tf.Tensor4D, b as tf.Tensor4D];
  const height = Math.min(x.shape[1], y.shape[1]);
  const width = Math.min(x.shape[2], y.shape[2]);
  return [adaptiveAveragePool(x, height, width), adaptiveAveragePool(y, height, width)];
}

/** Flattens the positions of a map: `[batch, height, width, channels]` → `[batch, height·width, channels]`. */
export function positions(map: tf.Tensor4D): tf.Tensor3D {
  return tf.reshape(map, [map.shape[0], -1, map.shape[3]]);
}

/**
 * Average-pools a map to a height and a width, as PyTorch's `adaptive_avg_pool2d` does: position i of n is the average
 * of the positions from ⌊i·N/n⌋ up to, not including, ⌈(i+1)·N/n⌉ of N. Windows overlap where N is not a multiple of n.
 */
export function adaptiveAveragePool(map: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [, fromHeight, fromWidth] = map.shape;
  if (fromHeight === height && fromWidth === width) return map;
  if (fromHeight % height === 0 && fromWidth % width === 0) {
    const window: [number, number] = [fromHeight / height, fromWidth / width];
    return tf.avgPool(map, window, window, 'valid');
  }
  // The windows differ in size, so no pooling operation fits.
  return resampled(map, averages(fromHeight, height), averages(fromWidth, width));
}

/** Resizes a map as PyTorch's `interpolate` with mode `nearest` does: position i of n copies position ⌊i·N/n⌋ of N. */
export function nearest(map: tf.Tensor4D, height: number, width: number): tf.Tensor4D {
  const [, fromHeight, fromWidth] = map.shape;
  if (fromHeight === height && fromWidth === width) return map;
  return resampled(map, choices(fromHeight, height), choices(fromWidth, width));
}

/**
 * Mixes the rows of a map and then its columns. Each is a matrix product, which has a gradient on every engine.
 *
 * @param rows `[height, new height]`
 * @param columns `[width, new width]`
 */
function resampled(map: tf.Tensor4D, rows: tf.Tensor2D, columns: tf.Tensor2D): tf.Tensor4D {
  const [batch, fromHeight, fromWidth, channels] = map.shape;
  const [height, width] = [rows.shape[1], columns.shape[1]];
  const upright = tf.reshape(tf.transpose(map, [0, 2, 3, 1]), [-1, fromHeight]);
  const low = tf.reshape(tf.matMul(upright, rows), [batch, fromWidth, channels, height]);
  const level = tf.reshape(tf.transpose(low, [0, 3, 2, 1]), [-1, fromWidth]);
  const narrow = tf.reshape(tf.matMul(level, columns), [batch, height, channels, width]);
  return tf.transpose(narrow, [0, 1, 3, 2]) as tf.Tensor4D;
}

/** A matrix `[from, to]` whose column i selects position ⌊i·from/to⌋. */
function choices(from: number, to: number): tf.Tensor2D {
  const chosen = Array.from({ length: to }, (_, i) => {
    const position = Math.floor((i * from) / to);
    return Array.from({ length: from }, (_, at) => (at === position ? 1 : 0));
  });
  return tf.transpose(tf.tensor2d(chosen));
}

/** A matrix `[from, to]` whose column i averages window i. */
function averages(from: number, to: number): tf.Tensor2D {
  const windows = Array.from({ length: to }, (_, i) => {
    const [start, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    return Array.from({ length: from }, (_, at) => (at >= start && at < end ? 1 / (end - start) : 0));
  });
  return tf.transpose(tf.tensor2d(windows));
}
