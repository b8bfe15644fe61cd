import * as tf from '@tensorflow/tfjs-core';
import {
  type ConvOptions,
  type DepthwiseOptions,
  type Forward,
  type LinearOptions,
  type Net,
  type PoolingOptions,
  sizeOf,
} from './network.ts';
import { addMaps } from './ops/add.ts';
import { batchNormInference, batchNormTraining } from './ops/batch-norm.ts';
import { biasAdd } from './ops/bias-add.ts';
import { convolution, type Precision, toFloat32 } from './ops/convolution.ts';
import { dropout } from './ops/dropout.ts';
import { matMulBfloat16 } from './ops/mat-mul.ts';
import { maxPool } from './ops/max-pool.ts';
import { randomStream } from './random.ts';

export type Tensors = Record<string, tf.Tensor>;

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
  const output = forward(net, Flow.of(x));
  return { output: output.float32(), taps: net.taps, statistics: net.statistics };
}

/** What flows between layers. Nothing is computed before it is known what becomes of it. */
export class Flow {
  private readonly source: Source;
  private readonly rectified: boolean;
  private done: tf.Tensor | undefined;

  constructor(source: Source, rectified = false) {
    this.source = source;
    this.rectified = rectified;
  }

  static of(x: tf.Tensor): Flow {
    return new Flow(new Source(() => x));
  }

  relu(): Flow {
    return this.rectified ? this : new Flow(this.source, true);
  }

  /**
   * A bias and a ReLU commute with max pooling, bit for bit (both keep order), so they wait for it and then run over a
   * fraction of the elements.
   */
  maxPool(size: number, stride: number): Flow {
    // A map that was asked for is there already.
    if (this.done !== undefined) return Flow.of(maxPool(this.done, { size, stride }));
    return new Flow(this.source.maxPool(size, stride), this.rectified);
  }

  /** Float32 or bfloat16, whichever it flows in. */
  tensor(): tf.Tensor {
    this.done ??= this.rectified ? tf.relu(this.source.biased()) : this.source.biased();
    return this.done;
  }

  float32(): tf.Tensor {
    return toFloat32(this.tensor());
  }
}

type Compute = (bias: tf.Tensor1D | undefined) => tf.Tensor;

/** A tensor to which a bias may have to be added: in the operation that computes it, or after a pooling. */
class Source {
  private readonly compute: Compute;
  private readonly bias: tf.Tensor1D | undefined;
  private plain: tf.Tensor | undefined;
  private whole: tf.Tensor | undefined;

  /** @param compute the tensor, with the bias that it is given */
  constructor(compute: Compute, bias?: tf.Tensor1D) {
    this.compute = compute;
    this.bias = bias;
  }

  biased(): tf.Tensor {
    const { plain, bias } = this;
    this.whole ??= plain === undefined || bias === undefined ? this.compute(bias) : biasAdd(plain, bias);
    return this.whole;
  }

  maxPool(size: number, stride: number): Source {
    const { bias } = this;
    if (this.whole !== undefined || bias === undefined) {
      const pooled = maxPool(this.biased(), { size, stride });
      return new Source(() => pooled);
    }
    this.plain ??= this.compute(undefined);
    const pooled = maxPool(this.plain, { size, stride });
    return new Source((given) => (given === undefined ? pooled : biasAdd(pooled, given)), bias);
  }
}

/** A network over tensors. */
export class RunningNet implements Net<Flow> {
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
    const stock = stockPadding(kernel, stride, padding);
    const input = stock === undefined ? padded(x.float32(), padding) : x.tensor();
    const { precision = 'float32' } = this.options;
    const options = { stride, padding: stock ?? 'valid', precision } as const;
    return new Flow(new Source((given) => convolution(input, weight, given, options), offset));
  }

  depthwise(name: string, x: Flow, { kernel, stride = 1, padding = 0 }: DepthwiseOptions): Flow {
    const weight = this.parameter(`${name}.weight`) as tf.Tensor4D;
    const stock = stockPadding(kernel, stride, padding);
    const input = stock === undefined ? padded(x.float32(), padding) : x.float32();
    return Flow.of(tf.depthwiseConv2d(input as tf.Tensor4D, weight, stride, stock ?? 'valid'));
  }

  linear(name: string, x: Flow, { bias = true }: LinearOptions): Flow {
    const product = this.options.precision === 'bfloat16' ? matMulBfloat16 : tf.matMul;
    const y = product(x.float32(), this.parameter(`${name}.weight`));
    return Flow.of(bias ? biasAdd(y, this.parameter(`${name}.bias`) as tf.Tensor1D) : y);
  }

  batchNorm(name: string, x: Flow): Flow {
    const input = x.tensor();
    const [scale, offset, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      this.parameter(`${name}.${part}`),
    );
    if (this.options.training === undefined) {
      return Flow.of(batchNormInference(toFloat32(input), mean, variance, scale, offset));
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
    return Flow.of(normalized.y);
  }

  relu(x: Flow): Flow {
    return x.relu();
  }

  relu6(x: Flow): Flow {
    return Flow.of(tf.relu6(x.float32()));
  }

  maxPool(x: Flow, { size, stride = size }: PoolingOptions): Flow {
    return x.maxPool(size, stride);
  }

  averagePool(x: Flow, { size, stride = size }: PoolingOptions): Flow {
    return Flow.of(tf.avgPool(x.float32() as tf.Tensor4D, size, stride, 'valid'));
  }

  globalAveragePool(x: Flow): Flow {
    return Flow.of(tf.mean(x.float32(), [1, 2]));
  }

  flatten(x: Flow): Flow {
    const map = x.float32();
    if (map.rank !== 4) return x;
    return Flow.of(tf.reshape(tf.transpose(map, [0, 3, 1, 2]), [map.shape[0], -1]));
  }

  add(x: Flow, y: Flow): Flow {
    return Flow.of(addMaps(x.tensor(), y.tensor()));
  }

  concat(maps: readonly Flow[]): Flow {
    return Flow.of(
      tf.concat(
        maps.map((map) => map.float32()),
        3,
      ),
    );
  }

  slice(x: Flow, { from, to }: { from: number; to: number }): Flow {
    return Flow.of(tf.slice(x.float32(), [0, 0, 0, from], [-1, -1, -1, to - from]));
  }

  shuffle(x: Flow, groups: number): Flow {
    const map = x.float32();
    const [channels] = map.shape.slice(-1);
    const grouped = tf.reshape(map, [-1, groups, channels / groups]);
    return Flow.of(tf.reshape(tf.transpose(grouped, [0, 2, 1]), map.shape));
  }

  dropout(name: string, x: Flow, rate: number): Flow {
    const { training } = this.options;
    if (training === undefined || rate === 0) return x;
    return Flow.of(dropout(x.float32(), rate, randomStream(training.seed, 'dropout', name, training.step)));
  }

  tap(name: string, x: Flow): Flow {
    if (this.options.taps === undefined || this.options.taps.includes(name)) this.taps[name] = x.float32();
    return x;
  }

  shape(x: Flow): number[] {
    return x.tensor().shape.slice(1);
  }

  private update(name: string, running: tf.Tensor, batch: tf.Tensor, momentum: number): void {
    this.statistics[name] = tf.keep(tf.add(tf.mul(running, 1 - momentum), tf.mul(batch, momentum)));
  }

  private parameter(name: string): tf.Tensor {
    const parameter = this.parameters[name];
    if (parameter === undefined) throw new RangeError(`the network has no parameter ${name}`);
    return parameter;
  }

  freeParameter(name: string): Flow {
    return Flow.of(this.parameter(name));
  }
}

/**
 * TensorFlow's name of a padding; undefined where it has none, so that zeros must be put around the map. 'same' pads
 * evenly only at stride 1 and for odd kernels; elsewhere it would shift the grid against PyTorch's.
 */
function stockPadding(kernel: number, stride: number, padding: number): 'same' | 'valid' | undefined {
  if (padding === 0) return 'valid';
  return stride === 1 && 2 * padding === kernel - 1 ? 'same' : undefined;
}

function padded(x: tf.Tensor, padding: number): tf.Tensor {
  return tf.pad(x, [
    [0, 0],
    [padding, padding],
    [padding, padding],
    [0, 0],
  ]);
}
