import * as tf from '@tensorflow/tfjs-core';
import { biasAdd } from './kernels.ts';
import { type ConvOptions, type Forward, type Net, sizeOf } from './network.ts';
import { randomStream } from './random.ts';

export type Tensors = Record<string, tf.Tensor>;

export interface RunOptions {
  /** Training: dropout drops and BatchNorm uses the batch's statistics. Absent: evaluation. */
  training?: {
    /** The key of this step's dropout masks, most general first. */
    seed: number;
    step: number;
  };
}

export interface RunResult {
  output: tf.Tensor;
  taps: Tensors;
  /**
   * New values of BatchNorm's running statistics (training only), kept beyond the surrounding tidy: the caller
   * assigns and disposes them.
   */
  statistics: Tensors;
}

/**
 * Walks a network over tensors.
 *
 * @param parameters by the names of the network's plan
 * @param x `[batch, …inputShape]`
 */
export function run(
  forward: Forward,
  parameters: Tensors,
  x: tf.Tensor,
  options: RunOptions = {},
): RunResult {
  const net = new RunningNet(parameters, options);
  const output = forward(net, x);
  return { output, taps: net.taps, statistics: net.statistics };
}

class RunningNet implements Net<tf.Tensor> {
  readonly taps: Tensors = {};
  readonly statistics: Tensors = {};
  private readonly parameters: Tensors;
  private readonly options: RunOptions;

  constructor(parameters: Tensors, options: RunOptions) {
    this.parameters = parameters;
    this.options = options;
  }

  conv(name: string, x: tf.Tensor, { kernel, stride = 1, padding = 0, bias = true }: ConvOptions): tf.Tensor {
    const weight = this.parameter(`${name}.weight`) as tf.Tensor4D;
    // 'same' pads evenly only at stride 1 and for odd kernels; elsewhere it would shift the grid against PyTorch's.
    const same = stride === 1 && 2 * padding === kernel - 1;
    const padded =
      same || padding === 0
        ? x
        : tf.pad(x, [
            [0, 0],
            [padding, padding],
            [padding, padding],
            [0, 0],
          ]);
    const y = tf.conv2d(padded as tf.Tensor4D, weight, stride, same ? 'same' : 'valid');
    return bias ? biasAdd(y, this.parameter(`${name}.bias`) as tf.Tensor1D) : y;
  }

  linear(name: string, x: tf.Tensor, { bias = true }: { out: number; bias?: boolean }): tf.Tensor {
    const y = tf.matMul(x, this.parameter(`${name}.weight`));
    return bias ? biasAdd(y, this.parameter(`${name}.bias`) as tf.Tensor1D) : y;
  }

  batchNorm(name: string, x: tf.Tensor): tf.Tensor {
    const scale = this.parameter(`${name}.weight`) as tf.Tensor1D;
    const offset = this.parameter(`${name}.bias`) as tf.Tensor1D;
    let mean = this.parameter(`${name}.running_mean`) as tf.Tensor1D;
    let variance = this.parameter(`${name}.running_var`) as tf.Tensor1D;
    if (this.options.training !== undefined) {
      const axes = x.shape.map((_, axis) => axis).slice(0, -1);
      const moments = tf.moments(x, axes);
      const count = sizeOf(axes.map((axis) => x.shape[axis]));
      const momentum = 0.1;
      this.update(`${name}.running_mean`, mean, moments.mean, momentum);
      // PyTorch normalises with the population variance but keeps the sample variance.
      this.update(
        `${name}.running_var`,
        variance,
        tf.mul(moments.variance, count / Math.max(1, count - 1)),
        momentum,
      );
      mean = moments.mean as tf.Tensor1D;
      variance = moments.variance as tf.Tensor1D;
    }
    const factor = tf.mul(tf.rsqrt(tf.add(variance, 1e-5)), scale);
    return tf.add(tf.mul(tf.sub(x, mean), factor), offset);
  }

  relu(x: tf.Tensor): tf.Tensor {
    return tf.relu(x);
  }

  maxPool(x: tf.Tensor, { size, stride = size }: { size: number; stride?: number }): tf.Tensor {
    return tf.maxPool(x as tf.Tensor4D, size, stride, 'valid');
  }

  flatten(x: tf.Tensor): tf.Tensor {
    return x.rank === 4 ? tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [x.shape[0], -1]) : x;
  }

  dropout(name: string, x: tf.Tensor, rate: number): tf.Tensor {
    const { training } = this.options;
    if (training === undefined || rate === 0) return x;
    const stream = randomStream(training.seed, 'dropout', name, training.step);
    const mask = new Float32Array(x.size);
    const threshold = Math.round(rate * 4294967296);
    const scale = 1 / (1 - rate);
    for (let i = 0; i < mask.length; i++) mask[i] = stream.uint32() >= threshold ? scale : 0;
    return tf.mul(x, tf.tensor(mask, x.shape));
  }

  tap(name: string, x: tf.Tensor): tf.Tensor {
    this.taps[name] = x;
    return x;
  }

  shape(x: tf.Tensor): number[] {
    return x.shape.slice(1);
  }

  private update(name: string, running: tf.Tensor, batch: tf.Tensor, momentum: number): void {
    this.statistics[name] = tf.keep(tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum)));
  }

  private parameter(name: string): tf.Tensor {
    const parameter = this.parameters[name];
    if (parameter === undefined) throw new RangeError(`the network has no parameter ${name}`);
    return parameter;
  }
}
