import * as tf from '@tensorflow/tfjs-core';
import { recorder } from '../compiled/recorder.ts';
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
 * TensorFlow's operations on oneDNN (x86 processors). Some of them can do more than the public ones: record the
 * position of a maximum, or add a bias within the pass of a convolution.
 */

let available = false;

/** The side length and stride of the windows of a pooling. */
export interface PoolOptions {
  size: number;
  stride: number;
}

/** Tests whether the oneDNN operations can be called. They are not used on a GPU, which has other fast operations. */
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
    // Other processors and builds of TensorFlow lack oneDNN; the public operations are used instead.
  }
}

/**
 * Whether to call the oneDNN operations. A recorded function has the public ones, which TensorFlow itself replaces when it
 * compiles a graph.
 */
export function isMkl(): boolean {
  return available && recorder() === undefined;
}

/** The label that TensorFlow requires of its rewritten operations, to tell them from the public ones. */
export function mklLabel(): Attribute {
  return text('_kernel', 'MklNameChangeOp');
}

/** Returns the attributes of the pooling that records the position of each maximum, and of its gradient. */
export function mklPoolAttributes(x: tf.Tensor, options: PoolOptions): Attribute[] {
  return [...poolAttributes(x, options), flag('workspace_enabled', true), mklLabel()];
}

/** Returns the attributes of a max pooling without padding, and of its gradient. */
export function poolAttributes(x: tf.Tensor, { size, stride }: PoolOptions): Attribute[] {
  return [
    type('T', nativeType(x)),
    integer('ksize', [1, size, size, 1]),
    integer('strides', [1, stride, stride, 1]),
    text('padding', 'VALID'),
    text('data_format', 'NHWC'),
  ];
}
