import * as tf from '@tensorflow/tfjs-core';
import type { WasmBackend } from './wasm-backend.ts';

/** Registers the sum of rows by segment, the gradient of gathering rows, which the WebAssembly backend lacks. */
export function registerSegmentSum(): void {
  tf.registerKernel({
    kernelName: tf.UnsortedSegmentSum,
    backendName: 'wasm',
    kernelFunc: ({ backend, inputs, attrs }) => {
      const { numSegments } = attrs as unknown as { numSegments: number };
      const { x, segmentIds } = inputs as Record<string, tf.TensorInfo>;
      return segmentSum(backend as unknown as WasmBackend, x, segmentIds, numSegments);
    },
  });
}

/**
 * Sums the rows of each segment.
 *
 * @param x `[rows, …]`
 * @param segments the segment of each row, `[rows]`, int32
 * @returns `[count, …]`
 */
function segmentSum(
  backend: WasmBackend,
  x: tf.TensorInfo,
  segments: tf.TensorInfo,
  count: number,
): tf.TensorInfo {
  const sum = backend.makeOutput([count, ...x.shape.slice(1)], 'float32');
  const [rows, out] = [x, sum].map((tensor) => backend.typedArrayFromHeap(tensor));
  const numbers = backend.typedArrayFromHeap(segments);
  out.fill(0);
  const width = out.length / count;
  for (let row = 0; row < numbers.length; row++) {
    const [from, to] = [row * width, numbers[row] * width];
    for (let i = 0; i < width; i++) out[to + i] += rows[from + i];
  }
  return sum;
}
