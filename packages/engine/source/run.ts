import * as tf from '@tensorflow/tfjs-core';
import { Biased, Flow, Normalization } from './flow.ts';
import {
  type ActivationFunction,
  type Attention,
  type AttentionOptions,
  type BatchNormOptions,
  type ConvOptions,
  type DepthwiseOptions,
  type EnlargeOptions,
  type Forward,
  type LinearOptions,
  type MaxPoolingOptions,
  type Net,
  type PoolingOptions,
  type SegmentOptions,
  sizeOf,
} from './network.ts';
import { activationFunctions } from './ops/activation-functions.ts';
import { batchNormEpsilon, batchNormInference, batchNormTraining } from './ops/batch-norm.ts';
import { attention, attentionScores, maskKeys } from './ops/attention.ts';
import { biasAdd } from './ops/bias-add.ts';
import { convolution, type Precision, toFloat32 } from './ops/convolution.ts';
import { dropout, type Dropping } from './ops/dropout.ts';
import { gelu } from './ops/gelu.ts';
import { layerNorm } from './ops/layer-norm.ts';
import { matMulBfloat16, matMulFloat32 } from './ops/mat-mul.ts';
import { shuffleChannels } from './ops/shuffle.ts';
import { randomStream } from './random.ts';

export type Tensors = Record<string, tf.Tensor>;

export interface RunOptions {
  /** In training, dropout is active and BatchNorm uses the statistics of the batch. Absent in evaluation. */
  training?: {
    /** Seed and step together key the dropout masks. */
    seed: number;
    /** It is read anew for every mask, so that a compiled step gets the current one. */
    readonly step: number;
  };
  /** The taps to return; all taps if absent. Taps that are not requested need not be computed. */
  taps?: readonly string[];
  precision?: Precision;
}

export interface RunResult {
  output: tf.Tensor;
  taps: Tensors;
  /**
   * New values of running statistics and queues, in training only. They survive the surrounding tidy: the caller must
   * assign and dispose them.
   */
  statistics: Tensors;
}

/**
 * Runs a network over tensors.
 *
 * @param parameters the parameters by their names in the network's plan
 * @param x `[batch, …inputShape]`
 * @throws RangeError if a parameter is missing
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

/** The operations of a network over tensors. */
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
    const products = (input.size / stride ** 2) * (weight.size / weight.shape[2]);
    const outputs = (products / weight.size) * weight.shape[3];
    const precision = this.precisionOf(products, input.size + weight.size + outputs);
    const options = { stride, padding: stock ?? 'valid', precision } as const;
    return new Flow(new Biased((given) => convolution(input, weight, given, options), offset));
  }

  depthwise(name: string, x: Flow, options: DepthwiseOptions): Flow {
    const { kernel, stride = 1, padding = 0, bias = false } = options;
    const weight = this.parameter(`${name}.weight`) as tf.Tensor4D;
    const stock = stockPadding(kernel, stride, padding);
    const input = stock === undefined ? padded(x.float32(), padding) : x.float32();
    const y = tf.depthwiseConv2d(input as tf.Tensor4D, weight, stride, stock ?? 'valid');
    return Flow.of(bias ? biasAdd(y, this.parameter(`${name}.bias`) as tf.Tensor1D) : y);
  }

  enlarge(name: string, x: Flow, { factor, bias = true }: EnlargeOptions): Flow {
    const weight = this.parameter(`${name}.weight`) as tf.Tensor4D;
    const map = x.float32() as tf.Tensor4D;
    const [batch, height, width] = map.shape;
    const shape = [batch, factor * height, factor * width, weight.shape[2]] as const;
    const y = tf.conv2dTranspose(map, weight, [...shape], factor, 'same');
    return Flow.of(bias ? biasAdd(y, this.parameter(`${name}.bias`) as tf.Tensor1D) : y);
  }

  linear(name: string, x: Flow, { bias = true }: LinearOptions): Flow {
    const weight = this.parameter(`${name}.weight`) as tf.Tensor2D;
    const input = x.float32();
    const [from, to] = weight.shape;
    const elements = input.size + weight.size + (input.size / from) * to;
    const product =
      this.precisionOf(input.size * to, elements) === 'bfloat16' ? matMulBfloat16 : matMulFloat32;
    // Joining the tokens of all samples makes one product of two matrices.
    const y = product(input.rank === 2 ? input : tf.reshape(input, [-1, weight.shape[0]]), weight);
    const z = bias ? biasAdd(y, this.parameter(`${name}.bias`) as tf.Tensor1D) : y;
    return Flow.of(input.rank === 2 ? z : tf.reshape(z, [...input.shape.slice(0, -1), weight.shape[1]]));
  }

  batchNorm(
    name: string,
    x: Flow,
    { epsilon = batchNormEpsilon, momentum = 0.1 }: BatchNormOptions = {},
  ): Flow {
    const input = x.tensor();
    const [scale, offset, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((part) =>
      this.parameter(`${name}.${part}`),
    );
    if (this.options.training === undefined) {
      return Flow.of(batchNormInference(toFloat32(input), { mean, variance, scale, offset, epsilon }));
    }
    const normalized = batchNormTraining(input, scale, offset, epsilon);
    const count = input.size / sizeOf(scale.shape);
    this.update(`${name}.running_mean`, mean, normalized.mean, momentum);
    // PyTorch normalises with the population variance but keeps the sample variance.
    this.update(
      `${name}.running_var`,
      variance,
      tf.mul(normalized.variance, count / Math.max(1, count - 1)),
      momentum,
    );
    return new Flow(new Normalization(normalized));
  }

  layerNorm(name: string, x: Flow, { epsilon = 1e-5 }: { epsilon?: number } = {}): Flow {
    const [scale, offset] = ['weight', 'bias'].map((part) => this.parameter(`${name}.${part}`));
    return Flow.of(layerNorm(x.float32(), scale, offset, epsilon));
  }

  relu(x: Flow): Flow {
    return x.relu();
  }

  relu6(x: Flow): Flow {
    return x.relu6();
  }

  gelu(x: Flow): Flow {
    return Flow.of(gelu(x.float32()));
  }

  activate(x: Flow, by: ActivationFunction): Flow {
    return Flow.of(activationFunctions[by](x.float32()));
  }

  maxPool(x: Flow, { size, stride = size, padding = 0 }: MaxPoolingOptions): Flow {
    if (padding === 0) return x.maxPool(size, stride);
    return Flow.of(padded(x.float32(), padding, lowest)).maxPool(size, stride);
  }

  averagePool(x: Flow, { size, stride = size }: PoolingOptions): Flow {
    return Flow.of(tf.avgPool(x.float32() as tf.Tensor4D, size, stride, 'valid'));
  }

  globalAveragePool(x: Flow): Flow {
    return Flow.of(tf.mean(x.float32(), [1, 2]));
  }

  meanMap(x: Flow): Flow {
    return Flow.of(tf.mean(x.float32(), [1, 2], true));
  }

  flatten(x: Flow): Flow {
    const map = x.float32();
    if (map.rank === 2) return x;
    return Flow.of(tf.reshape(map.rank === 4 ? tf.transpose(map, [0, 3, 1, 2]) : map, [map.shape[0], -1]));
  }

  add(x: Flow, y: Flow): Flow {
    return x.plus(y);
  }

  multiply(x: Flow, y: Flow): Flow {
    return Flow.of(tf.mul(x.float32(), y.float32()));
  }

  channelScale(name: string, x: Flow): Flow {
    return Flow.of(tf.mul(x.float32(), this.parameter(name)));
  }

  scale(x: Flow, factor: number): Flow {
    return Flow.of(tf.mul(x.float32(), factor));
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
    return Flow.sliced({ whole: x.float32(), from, to });
  }

  shuffle(x: Flow, groups: number): Flow {
    return Flow.of(shuffleChannels(x.float32(), groups));
  }

  dropout(name: string, x: Flow, rate: number): Flow {
    const dropping = this.dropping(name, rate);
    return dropping === undefined ? x : Flow.of(dropout(x.float32(), dropping));
  }

  dropPath(name: string, x: Flow, rate: number): Flow {
    const dropping = this.dropping(name, rate);
    if (dropping === undefined) return x;
    const y = x.float32();
    const ones = tf.ones([y.shape[0], ...y.shape.slice(1).map(() => 1)]);
    return Flow.of(tf.mul(y, dropout(ones, dropping)));
  }

  /** What a layer drops; undefined where nothing is dropped. */
  private dropping(name: string, rate: number): Dropping | undefined {
    const { training } = this.options;
    if (training === undefined || rate === 0) return undefined;
    return { rate, stream: () => randomStream(training.seed, 'dropout', name, training.step) };
  }

  tokens(x: Flow): Flow {
    const map = x.float32() as tf.Tensor4D;
    return Flow.of(tf.reshape(map, [map.shape[0], -1, map.shape[3]]));
  }

  embedding(name: string, ids: Flow): Flow {
    return Flow.of(tf.gather(this.parameter(`${name}.weight`), tf.cast(ids.float32(), 'int32')));
  }

  prepend(name: string, x: Flow): Flow {
    const sequence = x.float32();
    // Adding to zeros is faster than tiling, whose stock gradient has one operation for each sample.
    const [batch, , width] = sequence.shape as [number, number, number];
    const first = tf.add(tf.zeros([batch, 1, width]), this.parameter(name));
    return Flow.of(tf.concat([first, sequence], 1));
  }

  positions(name: string, x: Flow): Flow {
    return Flow.of(tf.add(x.float32(), this.parameter(name)));
  }

  positionTable(name: string, x: Flow): Flow {
    const sequence = x.float32();
    const [, tokens, width] = sequence.shape as [number, number, number];
    return Flow.of(tf.add(sequence, tf.slice(this.parameter(`${name}.weight`), [0, 0], [tokens, width])));
  }

  segments(name: string, x: Flow, ids: Flow, { separator }: SegmentOptions): Flow {
    const table = this.parameter(`${name}.weight`);
    const [first, second] = [0, 1].map((row) => tf.slice(table, [row, 0], [1, table.shape[1] as number]));
    const y = tf.add(x.float32(), first);
    if (separator === undefined) return Flow.of(y);
    const ends = tf.cast(tf.equal(ids.float32(), separator), 'float32');
    const behind = tf.minimum(tf.cumsum(ends, 1, true), 1);
    return Flow.of(tf.add(y, tf.mul(tf.expandDims(behind, 2), tf.sub(second, first))));
  }

  token(x: Flow, index: number): Flow {
    const sequence = x.float32();
    const [batch, , width] = sequence.shape as [number, number, number];
    return Flow.of(tf.reshape(tf.slice(sequence, [0, index, 0], [batch, 1, width]), [batch, width]));
  }

  meanOfTokens(x: Flow, mask?: Flow): Flow {
    const sequence = x.float32();
    if (mask === undefined) return Flow.of(tf.mean(sequence, 1));
    const weights = tf.expandDims(mask.float32(), 2);
    const count = tf.maximum(tf.sum(weights, 1), 1);
    return Flow.of(tf.div(tf.sum(tf.mul(sequence, weights), 1), count));
  }

  present(ids: Flow, padding: number): Flow {
    return Flow.of(tf.cast(tf.notEqual(ids.float32(), padding), 'float32'));
  }

  attention(
    name: string,
    q: Flow,
    k: Flow,
    v: Flow,
    { heads, mask, dropout: rate = 0 }: AttentionOptions<Flow>,
  ): Attention<Flow> {
    const options = { heads, mask: mask?.float32(), dropping: this.dropping(name, rate) };
    return {
      output: Flow.of(attention(packed(q, k, v), options)),
      // Computed again for those who read them, because few do.
      scores: Flow.lazily(() => {
        const scores = attentionScores(q.float32(), k.float32(), heads);
        return options.mask === undefined ? scores : maskKeys(scores, options.mask);
      }),
    };
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

  /**
   * Returns the precision of a convolution or product. Rounding to bfloat16 takes a pass over each tensor, which pays where
   * every element takes part in many multiplications: on a processor with AVX-512, a layer of 14 to 23 products for each
   * element was slower in bfloat16 (by up to 14 %), and all but one with more than 25 were faster (by up to 97 %). The rule
   * depends on shapes alone, so that a repeated run computes the same bits.
   *
   * @param products the number of multiplications
   * @param elements the number of elements of input, weights and output together
   */
  private precisionOf(products: number, elements: number): Precision {
    const { precision = 'float32' } = this.options;
    return products >= 25 * elements ? precision : 'float32';
  }

  private parameter(name: string): tf.Tensor {
    const parameter = this.parameters[name];
    if (parameter === undefined) throw new RangeError(`the network has no parameter ${name}`);
    return parameter;
  }

  freeParameter(name: string): Flow {
    return Flow.of(this.parameter(name));
  }

  memory(name: string, x: Flow, length: number): Flow {
    const kept = this.parameter(name);
    if (this.options.training !== undefined) {
      const rows = tf.concat([x.float32(), kept], 0);
      this.statistics[name] = tf.keep(tf.slice(rows, 0, length));
    }
    return Flow.of(kept);
  }
}

/**
 * Returns TensorFlow's name of a padding; undefined if it has none and the map must be padded explicitly. 'same' is
 * symmetric only at stride 1 and for odd kernels; elsewhere it would shift the windows relative to PyTorch's.
 */
function stockPadding(kernel: number, stride: number, padding: number): 'same' | 'valid' | undefined {
  if (padding === 0) return 'valid';
  return stride === 1 && 2 * padding === kernel - 1 ? 'same' : undefined;
}

/** Queries, keys and values one after the other: what they are slices of, if they are all of it in this order. */
function packed(...parts: [Flow, Flow, Flow]): tf.Tensor {
  const [first] = parts;
  const whole = first.slice?.whole;
  const width = whole === undefined ? 0 : whole.shape[whole.rank - 1] / 3;
  const inPlace = parts.every(
    ({ slice }, index) =>
      slice?.whole === whole && slice?.from === index * width && slice?.to === (index + 1) * width,
  );
  return whole !== undefined && inPlace
    ? whole
    : tf.concat(
        parts.map((part) => part.float32()),
        -1,
      );
}

/** The lowest number of float32, which no maximum prefers. Unlike −∞ it has finite products with 0. */
export const lowest = -3.4028234663852886e38;

export function padded(x: tf.Tensor, padding: number, value = 0): tf.Tensor {
  return tf.pad(
    x,
    [
      [0, 0],
      [padding, padding],
      [padding, padding],
      [0, 0],
    ],
    value,
  );
}
