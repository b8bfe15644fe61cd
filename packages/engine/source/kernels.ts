import * as tf from '@tensorflow/tfjs-core';

/**
 * Fused operations that TensorFlow.js composes of slow parts. Each is a kernel of our own, registered for the
 * backends that have it natively and composed of public operations elsewhere, so nothing above this file names a
 * backend.
 */

/** The parts of the native backend that are used here: any TensorFlow operation by its name. */
interface NativeBackend {
  executeSingleOutput(name: string, attributes: unknown[], inputs: tf.TensorInfo[]): tf.Tensor;
}

type Inputs = Record<string, tf.TensorInfo>;

function native(name: string, inputs: string[], attributes: (i: Inputs) => unknown[]): void {
  tf.registerKernel({
    kernelName: name,
    backendName: 'tensorflow',
    kernelFunc: (call) =>
      (call.backend as unknown as NativeBackend).executeSingleOutput(
        name,
        attributes(call.inputs as Inputs),
        inputs.map((input) => (call.inputs as Inputs)[input]),
      ),
  });
}

const floatType = { name: 'T', type: 4 /* TF_ATTR_TYPE */, value: 1 /* TF_FLOAT */ };
const nhwc = { name: 'data_format', type: 0 /* TF_ATTR_STRING */, value: 'NHWC' };

function has(kernel: string): boolean {
  return tf.getKernel(kernel, tf.getBackend()) !== undefined;
}

function call(kernel: string, inputs: Record<string, tf.Tensor>): tf.Tensor {
  return tf.engine().runKernel<tf.Tensor>(kernel, inputs);
}

/** Registers the kernels and replaces the gradients; TensorFlow.js warns of a second call. */
export function registerKernels(): void {
  native('ReluGrad', ['dy', 'y'], () => [floatType]);
  native('BiasAddGrad', ['dy'], () => [floatType, nhwc]);
  native('BiasAdd', ['x', 'bias'], () => [floatType, nhwc]);
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

/**
 * Adds a bias to the last axis.
 *
 * @param x `[…, channels]`
 * @param bias `[channels]`
 */
export function biasAdd<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  const fused = tf.customGrad((input, vector) => ({
    value: has('BiasAdd')
      ? call('BiasAdd', { x: input as tf.Tensor, bias: vector as tf.Tensor })
      : tf.add(input as tf.Tensor, vector as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => [
      // A copy of the handle, not of the data: the tape disposes each gradient by itself.
      tf.clone(dy),
      has('BiasAddGrad')
        ? call('BiasAddGrad', { dy })
        : tf.sum(dy, dy.shape.map((_, axis) => axis).slice(0, -1)),
    ],
  }));
  return fused(x, bias) as T;
}
