import * as tf from '@tensorflow/tfjs-core';
import {
  type Attribute,
  castTo,
  execute,
  flag,
  integer,
  isNative,
  nativeKernel,
  nativeType,
  text,
  type,
  types,
} from '../backends/native.ts';
import { biasAdd } from './bias-add.ts';
import { call } from './call.ts';
import { isMkl, mklLabel } from './mkl.ts';

/**
 * The precision of convolutions and matrix products. In bfloat16 the operands are rounded and the processor keeps sums
 * in float32; weights and their gradients are always float32 (Micikevicius et al., 2018, arXiv:1710.03740; Kalamkar et
 * al., 2019, arXiv:1905.12322). Only the TensorFlow engines support bfloat16.
 */
export type Precision = 'float32' | 'bfloat16';

export interface ConvolutionOptions {
  stride: number;
  padding: 'same' | 'valid';
  precision: Precision;
}

type Shape4D = [number, number, number, number];

/**
 * Computes a 2-D convolution.
 *
 * @param x `[batch, height, width, in]`, float32, or bfloat16 from another convolution
 * @param filter `[kernel height, kernel width, in, out]`, float32
 * @param bias `[out]`, float32
 * @returns `[batch, height', width', out]` in the requested precision; only operations of this package accept bfloat16
 */
export function convolution(
  x: tf.Tensor,
  filter: tf.Tensor,
  bias: tf.Tensor1D | undefined,
  options: ConvolutionOptions,
): tf.Tensor {
  if (isNative()) {
    return call('Convolution', bias === undefined ? { x, filter } : { x, filter, bias }, { ...options });
  }
  const y = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, options.stride, options.padding);
  return bias === undefined ? y : biasAdd(y, bias);
}

/** Converts to float32; returns the tensor itself if it already is float32. */
export function toFloat32(x: tf.Tensor): tf.Tensor {
  return isNative() && nativeType(x) === types.bfloat16 ? call('ToFloat32', { x }) : x;
}

export function registerConvolution(): void {
  nativeKernel('Convolution', ({ inputs: { x, filter, bias }, attrs }) =>
    convolve(x, filter, bias, attrs as unknown as ConvolutionOptions),
  );
  nativeKernel('ConvolutionInputGrad', ({ inputs: { dy, filter }, attrs }) => {
    const { inputShape, ...options } = attrs as unknown as ConvolutionOptions & { inputShape: Shape4D };
    const precision = types[options.precision];
    const operands = [tf.tensor1d(inputShape, 'int32'), castTo(filter, precision), castTo(dy, precision)];
    return execute('Conv2DBackpropInput', attributesOf(options), operands)[0];
  });
  nativeKernel('ConvolutionFilterGrad', ({ inputs: { x, dy }, attrs }) => {
    const { filterShape, ...options } = attrs as unknown as ConvolutionOptions & { filterShape: Shape4D };
    const precision = types[options.precision];
    const operands = [castTo(x, precision), tf.tensor1d(filterShape, 'int32'), castTo(dy, precision)];
    return castTo(execute('Conv2DBackpropFilter', attributesOf(options), operands)[0], types.float32);
  });
  tf.registerGradient({
    kernelName: 'Convolution',
    inputsToSave: ['x', 'filter'],
    gradFunc: (slope, [x, filter], attrs) => {
      const options = attrs as unknown as ConvolutionOptions;
      const dy = slope as tf.Tensor;
      return {
        x: () => {
          const dx = call('ConvolutionInputGrad', { dy, filter }, { ...options, inputShape: x.shape });
          return nativeType(x) === types.float32 ? toFloat32(dx) : dx;
        },
        filter: () => call('ConvolutionFilterGrad', { x, dy }, { ...options, filterShape: filter.shape }),
        bias: () => call('BiasAddGrad', { dy }),
      };
    },
  });

  nativeKernel('ToFloat32', ({ inputs: { x } }) => tf.clone(castTo(x, types.float32)));
  tf.registerGradient({
    kernelName: 'ToFloat32',
    // The gradient of a bfloat16 tensor may be float32, because every kernel that reads it rounds it as needed.
    gradFunc: (dy) => ({ x: () => tf.clone(dy as tf.Tensor) }),
  });
}

/** Computes a convolution with bias. Only oneDNN adds the bias within the pass of the convolution. */
function convolve(
  x: tf.Tensor,
  filter: tf.Tensor,
  bias: tf.Tensor | undefined,
  options: ConvolutionOptions,
): tf.Tensor {
  const precision = types[options.precision];
  const attributes = attributesOf(options);
  const rounded = [castTo(x, precision), castTo(filter, precision)];
  const operands = options.precision === 'bfloat16' ? evenChannels(rounded) : rounded;
  if (bias === undefined) return execute('Conv2D', attributes, operands)[0];
  const offset = castTo(bias, precision);
  if (isMkl()) {
    return execute('_MklNativeConv2DWithBias', [mklLabel(), ...attributes], [...operands, offset])[0];
  }
  return call('BiasAdd', { x: execute('Conv2D', attributes, operands)[0], bias: offset });
}

function attributesOf({ stride, padding, precision }: ConvolutionOptions): Attribute[] {
  return [
    type('T', types[precision]),
    integer('strides', [1, stride, stride, 1]),
    text('padding', padding.toUpperCase()),
    text('data_format', 'NHWC'),
    flag('use_cudnn_on_gpu', true),
    integer('dilations', [1, 1, 1, 1]),
  ];
}

/**
 * Pads an odd number of input channels with one of zeros: the oneDNN of TensorFlow 2.21 computes such convolutions
 * wrongly in bfloat16 (seen with 1, 3 and 5 channels on a processor with AVX-512; the gradients are right).
 */
function evenChannels([x, filter]: tf.Tensor[]): tf.Tensor[] {
  return (x.shape[3] ?? 0) % 2 === 0 ? [x, filter] : [pad(x, 3), pad(filter, 2)];
}

/** Appends a slice of zeros. It is no `Pad`, which TensorFlow's graphs fuse with the convolution as if it padded the image. */
function pad(x: tf.Tensor, axis: number): tf.Tensor {
  const zeros = castTo(tf.zeros(x.shape.map((length, i) => (i === axis ? 1 : length))), types.bfloat16);
  return execute(
    'ConcatV2',
    [type('T', types.bfloat16), integer('N', 2), type('Tidx', types.int32)],
    [x, zeros, tf.scalar(axis, 'int32')],
  )[0];
}
