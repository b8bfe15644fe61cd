import * as tf from '@tensorflow/tfjs-core';
import { execute, hasKernels, integer, type, types } from '../backends/native.ts';

/**
 * Takes a channel of each group in turn, so that the next grouped layer mixes the groups (Zhang et al., 2018,
 * arXiv:1707.01083).
 *
 * @param x `[batch, height, width, channels]`, float32
 * @param groups a divisor of the number of channels
 */
export function shuffleChannels(x: tf.Tensor, groups: number): tf.Tensor {
  if (hasKernels()) return native(x, groups);
  const [channels] = x.shape.slice(-1);
  const grouped = tf.reshape(x, [-1, groups, channels / groups]);
  return tf.reshape(tf.transpose(grouped, [0, 2, 1]), x.shape);
}

function native(x: tf.Tensor, groups: number): tf.Tensor {
  const [channels] = x.shape.slice(-1);
  const shuffle = (map: tf.Tensor, count: number) =>
    execute('DistilleryShuffle', [type('T', types.float32), integer('groups', count)], [map])[0];
  return tf.customGrad((map) => ({
    value: shuffle(map as tf.Tensor, groups),
    gradFunc: (dy: tf.Tensor) => shuffle(dy, channels / groups),
  }))(x);
}
