import type * as tf from '@tensorflow/tfjs-core';

/** The part of the WebAssembly backend that the kernels of this package use. */
export interface WasmBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  /**
   * Returns a view of the tensor's memory, valid until the next tensor is created; an Int32Array if the tensor is
   * int32.
   */
  typedArrayFromHeap(x: tf.TensorInfo): Float32Array;
}

/** The attributes of a convolution. */
export interface ConvAttributes {
  strides: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export type Shape4D = [number, number, number, number];
