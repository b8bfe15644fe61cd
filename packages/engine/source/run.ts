import * as tf from '@tensorflow/tfjs-core';
import { type ConvOptions, type Forward, type Net, sizeOf } from './network.ts';
import { batchNormInference, batchNormTraining } from './ops/batch-norm.ts';
import { biasAdd } from './ops/bias-add.ts';
import { convBfloat16, matMulBfloat16, toFloat32 } from './ops/bfloat16.ts';
import { dropout } from './ops/dropout.ts';
import { maxPool } from './ops/max-pool.ts';
import { randomStream } from './random.ts';

export type Tensors = Record<string, tf.Tensor>;

/** What convolutions and matrix products compute in; everything else is float32. */
export type Precision = 'float32' | 'bfloat16';

export interface RunOptions {
  /** Training: dropout drops and BatchNorm uses the batch's statistics. Absent: evaluation. */
  training?: {
    /** The key of this step's dropout masks, most general first. */
    seed: number;
    step: number;
  };
  /** The taps that are asked for; all of them when absent. One that nobody asks for need not be computed. */
  taps?: readonly string[];
  precision?: Precision;
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
  const output = forward(net, new Flow(x));
  return { output: output.float32(), taps: net.taps, statistics: net.statistics };
}

/**
 * A tensor on which a bias and a ReLU are still to be done. Both commute with max pooling, bit for bit (a sum with a
 * constant and a ReLU keep order), so they wait for it and then run over a quarter of the elements.
 */
class Flow {
  private readonly raw: tf.Tensor;
  private readonly bias: tf.Tensor1D | undefined;
  private readonly rectified: boolean;
  private done: tf.Tensor | undefined;

  constructor(raw: tf.Tensor, bias?: tf.Tensor1D, rectified = false) {
    this.raw = raw;
    this.bias = bias;
    this.rectified = rectified;
  }

  get shape(): number[] {
    return this.raw.shape;
  }

  relu(): Flow {
    return this.done === undefined
      ? new Flow(this.raw, this.bias, true)
      : new Flow(this.done, undefined, true);
  }

  maxPool(size: number, stride: number): Flow {
    // A map that was asked for is there already.
    if (this.done !== undefined) return new Flow(maxPool(this.done, { size, stride }));
    return new Flow(maxPool(this.raw, { size, stride }), this.bias, this.rectified);
  }

  /** With bias and ReLU; float32 or bfloat16, whichever it flows in. */
  tensor(): tf.Tensor {
    if (this.done !== undefined) return this.done;
    const biased = this.bias === undefined ? this.raw : biasAdd(this.raw, this.bias);
    this.done = this.rectified ? tf.relu(biased) : biased;
    return this.done;
  }

  float32(): tf.Tensor {
    return toFloat32(this.tensor());
  }
}

class RunningNet implements Net<Flow> {
  readonly taps: Tensors = {};
  readonly statistics: Tensors = {};
  private readonly parameters: Tensors;
  private readonly options: RunOptions;

  constructor(parameters: Tensors, options: RunOptions) {
    this.parameters = parameters;
    this.options = options;
  }

  conv(name: string, x: Flow, { kernel, stride = 1, padding = 0, bias = true }: ConvOptions): Flow {
    const weight = this.parameter(`${name}.weight`) as tf.Tensor4D;
    const offset = bias ? (this.parameter(`${name}.bias`) as tf.Tensor1D) : undefined;
    // 'same' pads evenly only at stride 1 and for odd kernels; elsewhere it would shift the grid against PyTorch's.
    const same = stride === 1 && 2 * padding === kernel - 1;
    const input = same || padding === 0 ? x.tensor() : padded(x.float32(), padding);
    if (this.options.precision === 'bfloat16') {
      return new Flow(convBfloat16(input, weight, offset, { stride, padding: same ? 'SAME' : 'VALID' }));
    }
    return new Flow(tf.conv2d(input as tf.Tensor4D, weight, stride, same ? 'same' : 'valid'), offset);
  }

  linear(name: string, x: Flow, { bias = true }: { out: number; bias?: boolean }): Flow {
    const product = this.options.precision === 'bfloat16' ? matMulBfloat16 : tf.matMul;
    const y = product(x.float32(), this.parameter(`${name}.weight`));
    return new Flow(y, bias ? (this.parameter(`${name}.bias`) as tf.Tensor1D) : undefined);
  }

  batchNorm(name: string, x: Flow): Flow {
    const input = x.tensor();
    const [scale, offset, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      this.parameter(`${name}.${part}`),
    );
    if (this.options.training === undefined) {
      return new Flow(batchNormInference(toFloat32(input), mean, variance, scale, offset));
    }
    const normalized = batchNormTraining(input, scale, offset);
    const count = input.size / sizeOf(scale.shape);
    const momentum = 0.1;
    this.update(`${name}.running_mean`, mean, normalized.mean, momentum);
    // PyTorch normalises with the population variance but keeps the sample variance.
    this.update(
      `${name}.running_var`,
      variance,
      tf.mul(normalized.variance, count / Math.max(1, count - 1)),
      momentum,
    );
    return new Flow(normalized.y);
  }

  relu(x: Flow): Flow {
    return x.relu();
  }

  maxPool(x: Flow, { size, stride = size }: { size: number; stride?: number }): Flow {
    return x.maxPool(size, stride);
  }

  flatten(x: Flow): Flow {
    const map = x.float32();
    if (map.rank !== 4) return x;
    return new Flow(tf.reshape(tf.transpose(map, [0, 3, 1, 2]), [map.shape[0], -1]));
  }

  dropout(name: string, x: Flow, rate: number): Flow {
    const { training } = this.options;
    if (training === undefined || rate === 0) return x;
    return new Flow(dropout(x.float32(), rate, randomStream(training.seed, 'dropout', name, training.step)));
  }

  tap(name: string, x: Flow): Flow {
    if (this.options.taps === undefined || this.options.taps.includes(name)) this.taps[name] = x.float32();
    return x;
  }

  shape(x: Flow): number[] {
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

function padded(x: tf.Tensor, padding: number): tf.Tensor {
  return tf.pad(x, [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ]);
}
