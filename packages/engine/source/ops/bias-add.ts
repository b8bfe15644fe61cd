import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, nativeKernel, nativeType, text, type, types } from '../backends/native.ts';
import { call, has } from './call.ts';
import { productBfloat16 } from './mat-mul.ts';

export function registerBiasAdd(): void {
  const nhwc = () => text('data_format', 'NHWC');
  nativeKernel('BiasAdd', ({ inputs: { x, bias } }) => {
    const precision = nativeType(x);
    return execute('BiasAdd', [type('T', precision), nhwc()], [x, castTo(bias, precision)])[0];
  });
  nativeKernel('BiasAddGrad', ({ inputs: { dy } }) =>
    nativeType(dy) === types.bfloat16
      ? sumBfloat16(dy)
      : execute('BiasAddGrad', [type('T', types.float32), nhwc()], [dy])[0],
  );
}

/** Sums over every axis except the channels. TensorFlow's sum over bfloat16 is slow, a product with ones is fast. */
function sumBfloat16(dy: tf.Tensor): tf.Tensor {
  const channels = dy.shape[dy.rank - 1];
  const rows = dy.size / channels;
  const [flat] = execute(
    'Reshape',
    [type('T', types.bfloat16), type('Tshape', types.int32)],
    [dy, tf.tensor1d([rows, channels], 'int32')],
  );
  const ones = castTo(tf.ones([1, rows]), types.bfloat16);
  return tf.reshape(productBfloat16(ones, flat, false, false), [channels]);
}

/**
 * Adds a bias to the last axis.
 *
 * @param x `[…, channels]`, float32 or bfloat16
 * @param bias `[channels]`, float32
 */
export function biasAdd<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  const fused = tf.customGrad((input, vector) => ({
    value: has('BiasAdd')
      ? call('BiasAdd', { x: input as tf.Tensor, bias: vector as tf.Tensor })
      : tf.add(input as tf.Tensor, vector as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => [
      // This copies the handle, not the data. The tape disposes each gradient separately.
      tf.clone(dy),
      sumToChannels(dy),
    ],
  }));
  return fused(x, bias) as T;
}

/** Sums over every axis except the last: `[…, channels]` → `[channels]`. */
export function sumToChannels(dy: tf.Tensor): tf.Tensor {
  return has('BiasAddGrad')
    ? call('BiasAddGrad', { dy })
    : tf.sum(dy, dy.shape.map((_, axis) => axis).slice(0, -1));
}
