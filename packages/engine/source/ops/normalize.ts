import * as tf from '@tensorflow/tfjs-core';
import { castTo, execute, float, integer, nativeType, type } from '../backends/native.ts';
import type { Activation } from './activation.ts';

const numbers: Record<Activation, number> = { none: 0, relu: 1, relu6: 2 };

/**
 * Computes the mean and the population variance of each channel over all other axes, without gradients. Needs `hasKernels`.
 *
 * @param x `[…, channels]`, float32 or bfloat16
 * @returns each `[channels]`, float32
 */
export function moments(x: tf.Tensor): { mean: tf.Tensor; variance: tf.Tensor } {
  const [mean, variance] = execute('DistilleryMoments', [type('T', nativeType(x))], [x], 2);
  return { mean, variance };
}

export interface NormalizeOptions {
  /** The statistics of `x` itself, through which gradients flow, too. */
  mean: tf.Tensor;
  variance: tf.Tensor;
  scale: tf.Tensor;
  offset: tf.Tensor;
  epsilon: number;
}

/**
 * Normalises a batch by its own statistics, adds a map and applies an activation, all in one pass. Needs `hasKernels`.
 *
 * @param x `[…, channels]`, float32 or bfloat16
 * @param residual of the shape of `x`
 * @returns a tensor like `x`
 */
export function normalize(
  x: tf.Tensor,
  { mean, variance, scale, offset, epsilon }: NormalizeOptions,
  activation: Activation,
  residual: tf.Tensor | undefined,
): tf.Tensor {
  const precision = nativeType(x);
  const attributes = [
    type('T', precision),
    float('epsilon', epsilon),
    integer('activation', numbers[activation]),
  ];
  // Without an activation the residual's gradient is that of the sum, and the sum is not needed for it.
  const masked = residual !== undefined && activation !== 'none';
  const inputs = [x, scale, offset, ...(residual === undefined ? [] : [residual])];
  return tf.customGrad((...given) => {
    const [map, factor, shift, added] = given.slice(0, inputs.length) as tf.Tensor[];
    const save = given[inputs.length] as unknown as tf.GradSaveFunc;
    const statistics = [mean, variance, factor];
    const [value] =
      added === undefined
        ? execute('DistilleryNormalize', attributes, [map, ...statistics, shift])
        : execute('DistilleryNormalizeAdd', attributes, [
            map,
            ...statistics,
            shift,
            castTo(added, precision),
          ]);
    save([map, ...statistics, masked ? value : shift]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [before, ...kept]: tf.Tensor[]) => {
        const slope = castTo(dy, precision);
        const operands = [slope, before, ...kept];
        if (masked) return execute('DistilleryNormalizeAddGrad', attributes, operands, 4);
        const gradients = execute('DistilleryNormalizeGrad', attributes, operands, 3);
        return residual === undefined ? gradients : [...gradients, tf.clone(slope)];
      },
    };
  })(...inputs);
}
