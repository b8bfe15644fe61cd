import * as tf from '@tensorflow/tfjs-core';
import { execute, integer, nativeType, overrideNativeKernel, type, types } from '../backends/native.ts';

/**
 * Registers tf.gather without the stock kernel's check of every index on the host, which waits for the device and cannot be
 * part of a compiled step. TensorFlow itself refuses indices out of range, on the CPU.
 */
export function registerGather(): void {
  overrideNativeKernel(tf.GatherV2, ({ inputs: { x, indices }, attrs }) => {
    const { axis, batchDims } = attrs as { axis: number; batchDims: number };
    const attributes = [
      integer('batch_dims', batchDims),
      type('Tparams', nativeType(x)),
      type('Tindices', types.int32),
      type('Taxis', types.int32),
    ];
    return execute('GatherV2', attributes, [x, indices, tf.scalar(axis, 'int32')])[0];
  });
}
