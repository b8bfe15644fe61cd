import * as tf from '@tensorflow/tfjs-core';
import type { ConvAttributes, Shape4D, WasmBackend } from './wasm-backend.ts';
import { registerDepthwiseGradients } from './wasm-depthwise.ts';
import { registerSegmentSum } from './wasm-segments.ts';

/**
 * Kernels that training needs and that the WebAssembly backend lacks, computes in scalar loops or computes wrongly. It
 * has no gradient of a filter; its gradient of a convolution's input and its products with transposed matrices are
 * scalar loops. All three can be expressed as a plain convolution or a plain product, which XNNPACK computes fast. Its
 * gradient of max pooling (4.22) loses most of the gradient; the one here is a loop over the backend's memory.
 */

/** Registers the kernels. The backend must have started, because some kernels fall back to the stock ones. */
export function registerWasmKernels(): void {
  if (tf.getKernel(tf.Conv2DBackpropFilter, 'wasm') !== undefined) return;
  tf.registerKernel({
    kernelName: tf.Conv2DBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) =>
      filterGradient(
        inputs.x as tf.Tensor4D,
        inputs.dy as tf.Tensor4D,
        attrs as unknown as ConvAttributes & { filterShape: Shape4D },
      ),
  });
  registerDepthwiseGradients();
  registerSegmentSum();

  tf.registerKernel({
    kernelName: 'ReluGrad',
    backendName: 'wasm',
    kernelFunc: ({ backend, inputs }) =>
      reluGradient(backend as unknown as WasmBackend, inputs.dy as tf.Tensor, inputs.y as tf.Tensor),
  });
  override(
    tf.Conv2DBackpropInput,
    (call, stock) =>
      inputGradient(
        call.inputs.dy as tf.Tensor4D,
        call.inputs.filter as tf.Tensor4D,
        call.attrs as unknown as ConvAttributes & { inputShape: Shape4D },
      ) ?? stock(call),
  );
  override(tf.MaxPoolGrad, ({ backend, inputs, attrs }) =>
    maxPoolGradient(
      backend as unknown as WasmBackend,
      inputs.input as tf.Tensor4D,
      inputs.dy as tf.Tensor4D,
      attrs as unknown as PoolAttributes,
    ),
  );
  override(tf.BatchMatMul, (call, stock) => {
    const { transposeA, transposeB } = call.attrs as { transposeA?: boolean; transposeB?: boolean };
    if (!transposeA && !transposeB) return stock(call);
    return tf.tidy(() =>
      tf.matMul(
        transposedIf(call.inputs.a as tf.Tensor, transposeA),
        transposedIf(call.inputs.b as tf.Tensor, transposeB),
      ),
    );
  });
}

/** The attributes of a pooling. */
interface PoolAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: Parameters<typeof tf.backend_util.computePool2DInfo>[4];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Kernel = tf.KernelConfig['kernelFunc'];

function override(
  kernelName: string,
  kernelFunc: (call: Parameters<Kernel>[0], stock: Kernel) => ReturnType<Kernel>,
): void {
  const stock = tf.getKernel(kernelName, 'wasm');
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({ ...stock, kernelFunc: (call) => kernelFunc(call, stock.kernelFunc) });
}

/** Returns a matrix `[…, rows, columns]`, or its transpose if `transposed`. */
function transposedIf(x: tf.Tensor, transposed: boolean | undefined): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return transposed ? tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]) : x;
}

/**
 * Computes the gradient of a filter: dW[i, j, c, k] = Σ_{b, y, x} X[b, s·y + i − pad, s·x + j − pad, c] · dY[b, y, x,
 * k]. With the batch as the summed channels it is the convolution of X with the filter dY, dilated by the stride s.
 *
 * @param x `[batch, height, width, in]`
 * @param dy `[batch, height', width', out]`
 * @returns `[kernel height, kernel width, in, out]`
 */
function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  { filterShape, ...attributes }: ConvAttributes & { filterShape: Shape4D },
): tf.Tensor4D {
  const info = infoOf(x.shape, filterShape, attributes);
  const { top, bottom, left, right } = info.padInfo;
  return tf.tidy(() => {
    const gradient = tf.conv2d(
      tf.transpose(x, [3, 1, 2, 0]),
      tf.transpose(dy, [1, 2, 0, 3]),
      1,
      [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ],
      'NHWC',
      [info.strideHeight, info.strideWidth],
    );
    const [height, width, channels, out] = filterShape;
    // Rows and columns of x that no window reached give positions beyond the filter.
    const reached = tf.slice(gradient, [0, 0, 0, 0], [channels, height, width, out]);
    return tf.transpose(reached, [1, 2, 0, 3]);
  });
}

/**
 * Computes the gradient of a convolution's input at stride 1: dY convolved with the filter, which is flipped in space
 * and has its input and output channels exchanged.
 *
 * @param dy `[batch, height', width', out]`
 * @param filter `[kernel height, kernel width, in, out]`
 * @returns `[batch, height, width, in]`, or undefined for other strides
 */
function inputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  { inputShape, ...attributes }: ConvAttributes & { inputShape: Shape4D },
): tf.Tensor4D | undefined {
  const info = infoOf(inputShape, filter.shape, attributes);
  const { top, bottom, left, right } = info.padInfo;
  const [height, width] = [info.filterHeight - 1, info.filterWidth - 1];
  if (info.strideHeight !== 1 || info.strideWidth !== 1) return undefined;
  if (Math.max(top, bottom) > height || Math.max(left, right) > width) return undefined;
  return tf.tidy(() =>
    tf.conv2d(dy, tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]), 1, [
      [0, 0],
      [height - top, height - bottom],
      [width - left, width - right],
      [0, 0],
    ]),
  );
}

function infoOf(input: Shape4D, filter: Shape4D, { strides, pad, dimRoundingMode }: ConvAttributes) {
  return tf.backend_util.computeConv2DInfo(input, filter, strides, 1, pad, dimRoundingMode);
}

/** Returns dy where y > 0, else 0, in one pass instead of three for a comparison, a cast and a product. */
function reluGradient(backend: WasmBackend, dy: tf.Tensor, y: tf.Tensor): tf.TensorInfo {
  const dx = backend.makeOutput(y.shape, 'float32');
  const [slopes, values, out] = [dy, y, dx].map((tensor) => backend.typedArrayFromHeap(tensor));
  for (let i = 0; i < out.length; i++) out[i] = values[i] > 0 ? slopes[i] : 0;
  return dx;
}

/**
 * Computes the gradient of max pooling: the first maximum of a window, in row-major order, gets the whole gradient of
 * the window, as in TensorFlow and PyTorch.
 *
 * @param x `[batch, height, width, channels]`
 * @param dy `[batch, height', width', channels]`
 * @returns `[batch, height, width, channels]`
 */
function maxPoolGradient(
  backend: WasmBackend,
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  { filterSize, strides, pad, dimRoundingMode }: PoolAttributes,
): tf.TensorInfo {
  const info = tf.backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth } = info;
  const dx = backend.makeOutput(x.shape, 'float32');
  const [values, slopes, out] = [x, dy, dx].map((tensor) => backend.typedArrayFromHeap(tensor));
  out.fill(0);
  let at = 0;
  for (let b = 0; b < batchSize; b++) {
    for (let row = 0; row < outHeight; row++) {
      const top = row * info.strideHeight - info.padInfo.top;
      for (let column = 0; column < outWidth; column++) {
        const left = column * info.strideWidth - info.padInfo.left;
        // The offsets of the window's pixels, in row-major order, which are the same for every channel.
        const pixels: number[] = [];
        for (let p = Math.max(0, top); p < Math.min(inHeight, top + info.effectiveFilterHeight); p++) {
          for (let q = Math.max(0, left); q < Math.min(inWidth, left + info.effectiveFilterWidth); q++) {
            pixels.push(((b * inHeight + p) * inWidth + q) * channels);
          }
        }
        for (let c = 0; c < channels; c++) {
          let best = pixels[0] + c;
          for (let i = 1; i < pixels.length; i++) {
            if (values[pixels[i] + c] > values[best]) best = pixels[i] + c;
          }
          out[best] += slopes[at++];
        }
      }
    }
  }
  return dx;
}
