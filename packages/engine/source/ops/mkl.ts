import * as tf from '@tensorflow/tfjs-core';
import { type Attribute, execute, flag, integer, isNativeGpu, text, type, types } from '../native.ts';

/**
 * TensorFlow's operations on oneDNN (x86 processors). Some of them do what its public ones do not: keep where a
 * maximum stood, add a bias in the pass of a convolution.
 */

let available = false;

/** Looks whether they can be called here; a GPU has fast operations of its own. */
export function probeMkl(): void {
  if (isNativeGpu()) return;
  try {
    tf.tidy(() => {
      const attributes = [
        type('T', types.float32),
        integer('ksize', [1, 2, 2, 1]),
        integer('strides', [1, 2, 2, 1]),
        text('padding', 'VALID'),
        text('data_format', 'NHWC'),
        flag('workspace_enabled', true),
        mklLabel(),
      ];
      const x = tf.zeros([1, 2, 2, 1]);
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
