import * as tf from '@tensorflow/tfjs-core';
import type { ConvAttributes, Shape4D, WasmBackend } from './wasm-backend.ts';

/** Registers the gradients of depthwise convolutions, which the WebAssembly backend lacks, as loops over its memory. */
export function registerDepthwiseGradients(): void {
  tf.registerKernel({
    kernelName: tf.DepthwiseConv2dNativeBackpropInput,
    backendName: 'wasm',
    kernelFunc: ({ backend, inputs, attrs }) => {
      const { inputShape, ...attributes } = attrs as unknown as ConvAttributes & { inputShape: Shape4D };
      const { dy, filter } = inputs as Record<string, tf.Tensor4D>;
      const info = infoOf(inputShape, filter.shape, attributes);
      return inputGradient(backend as unknown as WasmBackend, dy, filter, info);
    },
  });
  tf.registerKernel({
    kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ backend, inputs, attrs }) => {
      const { filterShape, ...attributes } = attrs as unknown as ConvAttributes & { filterShape: Shape4D };
      const { x, dy } = inputs as Record<string, tf.Tensor4D>;
      const info = infoOf(x.shape, filterShape, attributes);
      return filterGradient(backend as unknown as WasmBackend, x, dy, info);
    },
  });
}

type Info = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

/** @throws RangeError if there are several filters for each channel, which the loops below do not support */
function infoOf(input: Shape4D, filter: Shape4D, { strides, pad, dimRoundingMode }: ConvAttributes): Info {
  if (filter[3] !== 1)
    throw new RangeError(
      `depthwise filters [${filter}] are not supported: there must be one for each channel`,
    );
  return tf.backend_util.computeConv2DInfo(input, filter, strides, 1, pad, dimRoundingMode, true);
}

/**
 * Computes the gradient of the input: each weight passes dY back to the pixels that it was multiplied with.
 *
 * @param dy `[batch, height', width', channels]`
 * @param filter `[kernel height, kernel width, channels, 1]`
 * @returns `[batch, height, width, channels]`
 */
function inputGradient(
  backend: WasmBackend,
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  info: Info,
): tf.TensorInfo {
  const dx = backend.makeOutput(info.inShape, 'float32');
  const [slopes, weights, out] = [dy, filter, dx].map((tensor) => backend.typedArrayFromHeap(tensor));
  out.fill(0);
  forEachProduct(info, (pixel, slope, weight) => {
    for (let c = 0; c < info.inChannels; c++) out[pixel + c] += slopes[slope + c] * weights[weight + c];
  });
  return dx;
}

/**
 * Computes the gradient of the filter: each weight sums the products of dY with the pixels that it was multiplied with.
 *
 * @param x `[batch, height, width, channels]`
 * @param dy `[batch, height', width', channels]`
 * @returns `[kernel height, kernel width, channels, 1]`
 */
function filterGradient(backend: WasmBackend, x: tf.Tensor4D, dy: tf.Tensor4D, info: Info): tf.TensorInfo {
  const gradient = backend.makeOutput(info.filterShape, 'float32');
  const [values, slopes, out] = [x, dy, gradient].map((tensor) => backend.typedArrayFromHeap(tensor));
  out.fill(0);
  forEachProduct(info, (pixel, slope, weight) => {
    for (let c = 0; c < info.inChannels; c++) out[weight + c] += values[pixel + c] * slopes[slope + c];
  });
  return gradient;
}

/** Visits every product of a weight and a pixel, with the offsets of the pixel, of the output and of the weight. */
function forEachProduct(info: Info, visit: (pixel: number, output: number, weight: number) => void): void {
  const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth } = info;
  for (let b = 0; b < batchSize; b++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        const output = ((b * outHeight + row) * outWidth + column) * channels;
        for (let i = 0; i < info.filterHeight; i++) {
          const p = row * info.strideHeight - info.padInfo.top + i;
          if (p < 0 || p >= inHeight) continue;
          for (let j = 0; j < info.filterWidth; j++) {
            const q = column * info.strideWidth - info.padInfo.left + j;
            if (q < 0 || q >= inWidth) continue;
            visit(
              ((b * inHeight + p) * inWidth + q) * channels,
              output,
              (i * info.filterWidth + j) * channels,
            );
          }
        }
      }
    }
  }
}
