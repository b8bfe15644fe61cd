import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, flag, isNative, nativeKernel, type, types } from '../backends/native.ts';
import { call } from './call.ts';

/**
 * Computes a matrix product in float32. TensorFlow adds a bias within the pass of `MatMul`, where a compiled step has one, and not
 * within that of the batched product which TensorFlow.js calls.
 *
 * @param a `[rows, inner]`
 * @param b `[inner, columns]`
 * @returns `[rows, columns]`
 */
export function matMulFloat32(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  if (!isNative()) return tf.matMul(a, b);
  return tf.customGrad((left, right, save) => {
    const given = [left, right] as tf.Tensor[];
    (save as tf.GradSaveFunc)(given);
    return {
      value: product(given[0], given[1], false, false),
      gradFunc: (dy: tf.Tensor, [x, y]: tf.Tensor[]) => [
        product(dy, y, false, true),
        product(x, dy, true, false),
      ],
    };
  })(a, b);
}

function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const own = [type('T', types.float32), flag('transpose_a', transposeA), flag('transpose_b', transposeB)];
  return execute('MatMul', own, [a, b])[0];
}

/**
 * Computes a matrix product in bfloat16.
 *
 * @param a `[rows, inner]`, float32
 * @param b `[inner, columns]`, float32
 * @returns `[rows, columns]`, float32
 */
export function matMulBfloat16(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return call('MatMulBfloat16', { a, b });
}

export function registerMatMul(): void {
  nativeKernel('MatMulBfloat16', ({ inputs: { a, b }, attrs }) => {
    const { transposeA = false, transposeB = false } = attrs as {
      transposeA?: boolean;
      transposeB?: boolean;
    };
    return productBfloat16(half(a), half(b), transposeA, transposeB);
  });
  tf.registerGradient({
    kernelName: 'MatMulBfloat16',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => ({
      a: () => call('MatMulBfloat16', { a: dy as tf.Tensor, b }, { transposeB: true }),
      b: () => call('MatMulBfloat16', { a, b: dy as tf.Tensor }, { transposeA: true }),
    }),
  });
}

/** Computes the product of two bfloat16 matrices, in float32. */
export function productBfloat16(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
): tf.Tensor {
  const own = [type('T', types.bfloat16), flag('adj_x', transposeA), flag('adj_y', transposeB)];
  return castTo(execute('BatchMatMulV2', own, [a, b])[0], types.float32);
}

const half = (x: tf.Tensor) => castTo(x, types.bfloat16);
