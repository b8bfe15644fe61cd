import * as tf from '@tensorflow/tfjs-core';
import {
  type Attribute,
  execute,
  flag,
  integer,
  isNativeGpu,
  nativeType,
  text,
  type,
} from '../backends/native.ts';

/**
 * TensorFlow's operations on oneDNN (x86 processors). Some of them do what its public ones do not: keep where a
 * maximum stood, add a bias in the pass of a convolution.
 */

let available = false;

/** Side length and stride of the windows of a pooling. */
export interface PoolOptions {
  size: number;
  stride: number;
}

/** Looks whether they can be called here; a GPU has fast operations of its own. */
export function probeMkl(): void {
  if (isNativeGpu()) return;
  try {
    tf.tidy(() => {
      const x = tf.zeros([1, 2, 2, 1]);
      const attributes = mklPoolAttributes(x, { size: 2, stride: 2 });
      const [y, workspace] = execute('_MklNativeMaxPool', attributes, [x], 2);
      execute('_MklNativeMaxPoolGrad', attributes, [x, y, y, workspace]);
    });
    available = true;
  } catch {
    // Another processor, or a TensorFlow without oneDNN: what needs it takes another way.
  }
}

export function isMkl(): boolean {
  return available;
}

/** By this label TensorFlow keeps its rewritten operations apart from those of its public interface. */
export function mklLabel(): Attribute {
  return text('_kernel', 'MklNameChangeOp');
}

/** Of the pooling that keeps where each maximum stood, and of its gradient. */
export function mklPoolAttributes(x: tf.Tensor, { size, stride }: PoolOptions): Attribute[] {
  return [
    type('T', nativeType(x)),
    integer('ksize', [1, size, size, 1]),
    integer('strides', [1, stride, stride, 1]),
    text('padding', 'VALID'),
    text('data_format', 'NHWC'),
    flag('workspace_enabled', true),
    mklLabel(),
  ];
}
