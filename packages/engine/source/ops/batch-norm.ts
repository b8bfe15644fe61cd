import * as tf from '@tensorflow/tfjs-core';
import {
  castTo,
  execute,
  flag,
  float,
  hasKernels,
  isNative,
  nativeType,
  text,
  type,
  types,
} from '../backends/native.ts';
import { type Activation, activate } from './activation.ts';
import { addMaps } from './add.ts';
import { moments, normalize } from './normalize.ts';

/** PyTorch's default. It keeps the quotient finite where a channel is constant. */
export const batchNormEpsilon = 1e-5;

/** A normalised batch. It is a type, not an interface, because tf.tidy only accepts types. */
export type Normalized = {
  /** The mean of the batch, `[channels]`, a constant. */
  mean: tf.Tensor;
  /** The population variance of the batch, `[channels]`, a constant. */
  variance: tf.Tensor;
  /**
   * Computes the normalised batch, plus another map of its shape and type where one is given, behind an activation. On the
   * CPU engine of TensorFlow all of it is one pass over memory.
   */
  output(activation?: Activation, residual?: tf.Tensor): tf.Tensor;
};

/**
 * Normalises a batch with its own statistics, as in training (Ioffe and Szegedy, 2015, arXiv:1502.03167).
 *
 * @param x `[batch, …, channels]`
 * @param scale `[channels]`
 * @param offset `[channels]`
 */
export function batchNormTraining(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon = batchNormEpsilon,
): Normalized {
  if (hasKernels()) {
    const statistics = moments(x);
    const output: Normalized['output'] = (activation = 'none', residual) =>
      normalize(x, { ...statistics, scale, offset, epsilon }, activation, residual);
    return { ...statistics, output };
  }
  const separate = isNative() && x.rank === 4 ? native : composed;
  const { y, mean, variance } = tf.tidy(() => separate(x, scale, offset, epsilon));
  const output: Normalized['output'] = (activation = 'none', residual) =>
    activate(residual === undefined ? y : addMaps(y, residual), activation);
  return { mean, variance, output };
}

/** It is a type, not an interface, because tf.tidy only accepts types. */
type Separate = { y: tf.Tensor; mean: tf.Tensor; variance: tf.Tensor };

function composed(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): Separate {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const { mean, variance } = tf.moments(x, axes);
  return { y: batchNormInference(x, { mean, variance, scale, offset, epsilon }), mean, variance };
}

function native(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): Separate {
  let statistics: tf.Tensor[] = [];
  const y = tf.customGrad((input, factor, shift, save) => {
    const map = input as tf.Tensor;
    const none = tf.tensor1d([]);
    const [value, mean, sampleVariance, ...reserved] = execute(
      'FusedBatchNormV3',
      [...common(map, epsilon), flag('is_training', true), float('exponential_avg_factor', 1)],
      [map, factor as tf.Tensor, shift as tf.Tensor, none, none],
      6,
    );
    const count = map.size / map.shape[map.rank - 1];
    // TensorFlow returns the sample variance, which it keeps for inference.
    const population = tf.mul(sampleVariance, Math.max(1, count - 1) / count);
    statistics = [tf.keep(mean), tf.keep(population)];
    (save as tf.GradSaveFunc)([map, factor as tf.Tensor, ...reserved]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [before, gamma, ...kept]: tf.Tensor[]) =>
        execute(
          'FusedBatchNormGradV3',
          [...common(before, epsilon), flag('is_training', true)],
          [castTo(dy, nativeType(before)), before, gamma, ...kept],
          5,
        ).slice(0, 3),
    };
  })(x, scale, offset);
  // The statistics survive the scope of the gradient, and the copies belong to the caller's scope.
  const [mean, variance] = statistics.map((kept) => {
    const copy = tf.clone(kept);
    kept.dispose();
    return copy;
  });
  return { y, mean, variance };
}

function common(x: tf.Tensor, epsilon: number) {
  return [
    type('T', nativeType(x)),
    type('U', types.float32),
    float('epsilon', epsilon),
    text('data_format', 'NHWC'),
  ];
}

/**
 * Normalises with given statistics, as in evaluation.
 *
 * @param x `[…, channels]`
 */
export function batchNormInference(x: tf.Tensor, statistics: Statistics): tf.Tensor {
  const { mean, variance, scale, offset, epsilon = batchNormEpsilon } = statistics;
  const factor = tf.mul(tf.rsqrt(tf.add(variance, epsilon)), scale);
  return tf.add(tf.mul(tf.sub(x, mean), factor), offset);
}

/** What `batchNormInference` normalises with: tensors `[channels]`. It is a type because tf.tidy only accepts types. */
type Statistics = {
  mean: tf.Tensor;
  variance: tf.Tensor;
  scale: tf.Tensor;
  offset: tf.Tensor;
  epsilon?: number;
};
