import type * as tf from '@tensorflow/tfjs-core';

/** The parts of the WebAssembly backend that the kernels of this package use. */
export interface WasmBackend {
  makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
  /** A view of the tensor's memory, good until the next tensor is made; an Int32Array where the tensor is int32. */
  typedArrayFromHeap(x: tf.TensorInfo): Float32Array;
}

/** Attributes of a convolution. */
export interface ConvAttributes {
  strides: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

export type Shape4D = [number, number, number, number];
