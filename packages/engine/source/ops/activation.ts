import * as tf from '@tensorflow/tfjs-core';
import { toFloat32 } from './convolution.ts';

/** What a layer applies to the numbers that it has computed. */
export type Activation = 'none' | 'relu' | 'relu6';

/** Applies an activation to a tensor in float32 or bfloat16; ReLU6 computes in float32. */
export function activate(x: tf.Tensor, activation: Activation): tf.Tensor {
  if (activation === 'none') return x;
  return activation === 'relu' ? tf.relu(x) : tf.relu6(toFloat32(x));
}
