import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, nativeKernel, nativeType, overrideNativeKernel, type } from '../backends/native.ts';
import { call, has } from './call.ts';

/** tf.relu with a gradient of one pass; it takes bfloat16 too. */
export function registerRelu(): void {
  overrideNativeKernel(tf.Relu, ({ inputs: { x } }) => execute('Relu', [type('T', nativeType(x))], [x])[0]);
  nativeKernel('ReluGrad', ({ inputs: { dy, y } }) => {
    const precision = nativeType(y);
    return execute('ReluGrad', [type('T', precision)], [castTo(dy, precision), y])[0];
  });
}

/** The gradient, for every engine; it replaces the stock one, which multiplies by a step. */
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
