import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, nativeKernel, nativeType, overrideNativeKernel, type } from '../backends/native.ts';
import { call, has } from './call.ts';

/** Registers tf.relu for bfloat16 too, and a gradient kernel that takes one pass. */
export function registerRelu(): void {
  overrideNativeKernel(tf.Relu, ({ inputs: { x } }) => execute('Relu', [type('T', nativeType(x))], [x])[0]);
  nativeKernel('ReluGrad', ({ inputs: { dy, y } }) => {
    const precision = nativeType(y);
    return execute('ReluGrad', [type('T', precision)], [castTo(dy, precision), y])[0];
  });
}

/** Registers the gradient on every engine. It replaces the stock gradient, which multiplies by a step function. */
export function registerReluGradient(): void {
  tf.registerGradient({
    kernelName: tf.Relu,
    inputsToSave: [],
    outputsToSave: [true],
    gradFunc: (dy, saved) => {
      const [y] = saved;
      return {
        x: () =>
          has('ReluGrad')
            ? call('ReluGrad', { dy: dy as tf.Tensor, y })
            : tf.mul(dy as tf.Tensor, tf.cast(tf.greater(y, 0), 'float32')),
      };
    },
  });
}
