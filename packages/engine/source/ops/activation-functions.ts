import * as tf from '@tensorflow/tfjs-core';
import type { ActivationFunction } from '../network.ts';
import { activate } from './activation.ts';

const hardSigmoid = (x: tf.Tensor): tf.Tensor => tf.div(activate(tf.add(x, 3), 'relu6'), 6);

/** Computes each function of `Net.activate` for a tensor of any shape. */
export const activationFunctions: Record<ActivationFunction, (x: tf.Tensor) => tf.Tensor> = {
  sigmoid: (x) => tf.sigmoid(x),
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  hard_sigmoid: hardSigmoid,
  hard_swish: (x) => tf.mul(x, hardSigmoid(x)),
  tanh: (x) => tf.tanh(x),
};
