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
 * What convolutions and matrix products compute in. In bfloat16 operands are rounded to it and sums are kept in float32
 * by the processor; weights and their gradients are float32 in both (Micikevicius et al., 2018, arXiv:1710.03740;
 * Kalamkar et al., 2019, arXiv:1905.12322). Only TensorFlow has bfloat16.
 */
export type Precision = 'float32' | 'bfloat16';

export interface ConvolutionOptions {
  stride: number;
  padding: 'same' | 'valid';
  precision: Precision;
}

type Shape4D = [number, number, number, number];

/**
 * 2-D convolution.
 *
 * @param x `[batch, height, width, in]`, float32, or bfloat16 from another convolution
 * @param filter `[kernel height, kernel width, in, out]`, float32
 * @param bias `[out]`, float32
 * @returns of the precision asked for; what is bfloat16 is for the operations of this package alone
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

/** The same values as float32; the tensor itself when it is that already. */
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
    // The gradient of what is bfloat16 may be float32: every kernel that takes it rounds it as it needs.
    gradFunc: (dy) => ({ x: () => tf.clone(dy as tf.Tensor) }),
  });
}

/** oneDNN adds the bias in the convolution's own pass; everywhere else it takes one more. */
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
 * An odd number of input channels gets one of zeros: oneDNN as TensorFlow 2.21 has it computes such convolutions wrongly
 * in bfloat16 (seen with 1, 3 and 5 channels on a processor with AVX-512; the gradients are right).
 */
function evenChannels([x, filter]: tf.Tensor[]): tf.Tensor[] {
  return (x.shape[3] ?? 0) % 2 === 0 ? [x, filter] : [pad(x, 3), pad(filter, 2)];
}

function pad(x: tf.Tensor, axis: number): tf.Tensor {
  const paddings = tf.tensor2d(
    x.shape.map((_, i) => [0, i === axis ? 1 : 0]),
    [x.rank, 2],
    'int32',
  );
  return execute('Pad', [type('T', types.bfloat16), type('Tpaddings', types.int32)], [x, paddings])[0];
}
