import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import {
  castTo,
  execute,
  flag,
  integer,
  isNative,
  isNativeGpu,
  nativeKernel,
  nativeType,
  text,
  type,
  types,
} from '../native.ts';
import { call } from './call.ts';
import { isMkl, mklLabel } from './mkl.ts';

/**
 * Convolutions and matrix products in bfloat16: operands are rounded to it, sums are kept in float32 by the
 * processor, weights and their gradients are float32 (Micikevicius et al., 2018, arXiv:1710.03740; Kalamkar et al.,
 * 2019, arXiv:1905.12322). Only TensorFlow has them.
 */

type Shape4D = [number, number, number, number];

interface ConvAttributes {
  stride: number;
  padding: 'SAME' | 'VALID';
}

const attributesOf = ({ stride, padding }: ConvAttributes) => [
  type('T', types.bfloat16),
  integer('strides', [1, stride, stride, 1]),
  text('padding', padding),
  text('data_format', 'NHWC'),
  flag('use_cudnn_on_gpu', true),
  integer('dilations', [1, 1, 1, 1]),
];

/** Of bfloat16 operands; the result is float32. */
function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  const own = [type('T', types.bfloat16), flag('adj_x', transposeA), flag('adj_y', transposeB)];
  return single(execute('BatchMatMulV2', own, [a, b])[0]);
}

const half = (x: tf.Tensor) => castTo(x, types.bfloat16);
const single = (x: tf.Tensor) => castTo(x, types.float32);

/**
 * An odd number of input channels gets one of zeros: oneDNN as TensorFlow 2.21 has it computes such convolutions wrongly
 * in bfloat16 (seen with 1, 3 and 5 channels on a processor with AVX-512; the gradients are right).
 */
function evenChannels(x: tf.Tensor, filter: tf.Tensor): [tf.Tensor, tf.Tensor] {
  if ((x.shape[3] ?? 0) % 2 === 0) return [x, filter];
  return [pad(x, 3), pad(filter, 2)];
}

function pad(x: tf.Tensor, axis: number): tf.Tensor {
  const paddings = tf.tensor2d(
    x.shape.map((_, i) => [0, i === axis ? 1 : 0]),
    [x.rank, 2],
    'int32',
  );
  return execute('Pad', [type('T', types.bfloat16), type('Tpaddings', types.int32)], [x, paddings])[0];
}

/** oneDNN adds the bias in the convolution's own pass; everywhere else it takes one more. */
function convolve(x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor | undefined, options: ConvAttributes) {
  const attributes = attributesOf(options);
  const operands = evenChannels(half(x), half(filter));
  if (bias === undefined) return execute('Conv2D', attributes, operands)[0];
  if (isMkl()) {
    return execute('_MklNativeConv2DWithBias', [mklLabel(), ...attributes], [...operands, half(bias)])[0];
  }
  const y = execute('Conv2D', attributes, operands)[0];
  return execute('BiasAdd', [type('T', types.bfloat16), text('data_format', 'NHWC')], [y, half(bias)])[0];
}

/** Kernels and gradients; `probeBfloat16` tells whether they can be used. */
export function registerBfloat16(): void {
  nativeKernel('ConvBfloat16', ({ inputs: { x, filter, bias }, attrs }) =>
    convolve(x, filter, bias, attrs as unknown as ConvAttributes),
  );
  nativeKernel('ConvBfloat16InputGrad', ({ inputs: { dy, filter }, attrs }) => {
    const { inputShape, ...rest } = attrs as unknown as ConvAttributes & { inputShape: Shape4D };
    return execute('Conv2DBackpropInput', attributesOf(rest), [
      tf.tensor1d(inputShape, 'int32'),
      half(filter),
      half(dy),
    ])[0];
  });
  nativeKernel('ConvBfloat16FilterGrad', ({ inputs: { x, dy }, attrs }) => {
    const { filterShape, ...rest } = attrs as unknown as ConvAttributes & { filterShape: Shape4D };
    return single(
      execute('Conv2DBackpropFilter', attributesOf(rest), [
        half(x),
        tf.tensor1d(filterShape, 'int32'),
        half(dy),
      ])[0],
    );
  });
  tf.registerGradient({
    kernelName: 'ConvBfloat16',
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, [x, filter], attrs) => {
      const options = attrs as unknown as ConvAttributes;
      const slope = dy as tf.Tensor;
      return {
        x: () => {
          const dx = call(
            'ConvBfloat16InputGrad',
            { dy: slope, filter },
            { ...options, inputShape: x.shape },
          );
          return nativeType(x) === types.float32 ? toFloat32(dx) : dx;
        },
        filter: () =>
          call('ConvBfloat16FilterGrad', { x, dy: slope }, { ...options, filterShape: filter.shape }),
        bias: () => call('BiasBfloat16Grad', { dy: slope }),
      };
    },
  });
  // TensorFlow's own sum over bfloat16 is slow; as a product with ones it runs where all products run.
  nativeKernel('BiasBfloat16Grad', ({ inputs: { dy } }) => {
    const channels = dy.shape[dy.rank - 1];
    const rows = dy.size / channels;
    const [flat] = execute(
      'Reshape',
      [type('T', types.bfloat16), type('Tshape', types.int32)],
      [half(dy), tf.tensor1d([rows, channels], 'int32')],
    );
    return tf.reshape(product(half(tf.ones([1, rows])), flat, false, false), [channels]);
  });
  nativeKernel('ToFloat32', ({ inputs: { x } }) => tf.clone(single(x)));
  tf.registerGradient({
    kernelName: 'ToFloat32',
    // The gradient of what is bfloat16 may be float32: every kernel that takes it rounds it as it needs.
    gradFunc: (dy) => ({ x: () => tf.clone(dy as tf.Tensor) }),
  });
  nativeKernel('MatMulBfloat16', ({ inputs: { a, b }, attrs }) => {
    const { transposeA = false, transposeB = false } = attrs as {
      transposeA?: boolean;
      transposeB?: boolean;
    };
    return product(half(a), half(b), transposeA, transposeB);
  });
  tf.registerGradient({
    kernelName: 'MatMulBfloat16',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => ({
      a: () => call('MatMulBfloat16', { a: dy as tf.Tensor, b }, { transposeB: true }),
      b: () => call('MatMulBfloat16', { a, b: dy as tf.Tensor }, { transposeA: true }),
    }),
  });
}

/**
 * 2-D convolution in bfloat16.
 *
 * @param x `[batch, height, width, in]`, float32 or bfloat16
 * @param filter `[kernel height, kernel width, in, out]`, float32
 * @param bias `[out]`, float32
 * @returns bfloat16, for the kernels of this package alone
 */
export function convBfloat16(
  x: tf.Tensor,
  filter: tf.Tensor,
  bias: tf.Tensor | undefined,
  options: ConvAttributes,
): tf.Tensor {
  return call('ConvBfloat16', bias === undefined ? { x, filter } : { x, filter, bias }, { ...options });
}

/**
 * Matrix product in bfloat16.
 *
 * @param a `[rows, inner]`, float32
 * @param b `[inner, columns]`, float32
 * @returns float32
 */
export function matMulBfloat16(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return call('MatMulBfloat16', { a, b });
}

/** The same values as float32; the tensor itself when it is that already. */
export function toFloat32(x: tf.Tensor): tf.Tensor {
  return isNative() && nativeType(x) === types.bfloat16 ? call('ToFloat32', { x }) : x;
}

/** Names of the processor instructions without which bfloat16 is emulated, slower than float32. */
const instructions = ['avx512_bf16', 'amx_bf16'];

/**
 * Why this engine does not train in bfloat16; null where it does. Asked once, when the engine has started.
 */
export function bfloat16Refusal(): string | null {
  if (!isNative()) return 'no engine but TensorFlow has bfloat16 convolutions';
  if (!isNativeGpu() && !instructions.some((name) => processorFlags().includes(name))) {
    return `the processor has none of the instructions ${instructions.join(', ')}`;
  }
  try {
    tf.tidy(() => {
      const x = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
      const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
      const options = { stride: 1, padding: 'SAME' } as const;
      tf.grads((a, b) => tf.sum(toFloat32(convBfloat16(a, b, undefined, options))))([x, filter]);
    });
    return null;
  } catch (error) {
    return `TensorFlow refuses: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** What Linux says the first processor can do; empty elsewhere. */
function processorFlags(): string[] {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' ') ?? [];
  } catch {
    return [];
  }
}
