/**
 * The operations of a network. A network is written once, against this interface, and evaluated in several ways:
 * `trace` walks it over shapes (for parameters, taps and FLOPs, without creating tensors), `run` over tensors, and
 * `tangent` over tensors with their derivatives. So a plan can never disagree with the network that is trained.
 *
 * `T` is the type of a value: a shape when traced, a tensor when run. Shapes are NHWC without the batch.
 */
export interface Net<T> {
  /** 2-D convolution with zero padding, as PyTorch's `Conv2d`. `[h, w, in] → [h', w', out]` */
  conv(name: string, x: T, options: ConvOptions): T;
  /**
   * 2-D convolution of each channel with a separate filter, with zero padding and by default without bias, as PyTorch's
   * `Conv2d` with as many groups as channels. `[h, w, c] → [h', w', c]`
   */
  depthwise(name: string, x: T, options: DepthwiseOptions): T;
  /**
   * Transposed 2-D convolution that makes a map `factor` times as high and wide, as PyTorch's `ConvTranspose2d` with stride
   * `factor`, padding p = ⌊factor / 2⌋ and a kernel of `factor` + 2p. `[h, w, in] → [factor·h, factor·w, out]`
   */
  enlarge(name: string, x: T, options: EnlargeOptions): T;
  /**
   * Fully connected layer over the last axis, as PyTorch's `Linear`. `[in] → [out]`, `[tokens, in] → [tokens, out]`,
   * `[h, w, in] → [h, w, out]`
   */
  linear(name: string, x: T, options: LinearOptions): T;
  /**
   * Batch normalisation over every axis except the channels, as PyTorch's `BatchNorm2d` (momentum 0.1 and epsilon 1e-5 by
   * default).
   */
  batchNorm(name: string, x: T, options?: BatchNormOptions): T;
  /** Normalisation of each vector of the last axis, as PyTorch's `LayerNorm` (epsilon 1e-5 by default). */
  layerNorm(name: string, x: T, options?: { epsilon?: number }): T;
  relu(x: T): T;
  /** ReLU with the maximum 6. */
  relu6(x: T): T;
  /** x·Φ(x) with the normal distribution function Φ: the exact form, PyTorch's default (arXiv:1606.08415). */
  gelu(x: T): T;
  /** Applies a function to each number. */
  activate(x: T, by: ActivationFunction): T;
  /**
   * Max pooling, by default without padding; what is padded is below every number. Incomplete windows at the edge are
   * dropped, as in PyTorch's `MaxPool2d`.
   */
  maxPool(x: T, options: MaxPoolingOptions): T;
  /** The mean of each window, with the windows of `maxPool`, as PyTorch's `AvgPool2d`. */
  averagePool(x: T, options: PoolingOptions): T;
  /** The mean of each channel. `[h, w, c] → [c]` */
  globalAveragePool(x: T): T;
  /** The mean of each channel, as a map of one position. `[h, w, c] → [1, 1, c]` */
  meanMap(x: T): T;
  /**
   * Flattens with the channels outermost, which is PyTorch's order, so that weights can be exchanged without a
   * permutation. `[h, w, c] → [c·h·w]`, `[tokens, width] → [tokens·width]`
   */
  flatten(x: T): T;
  /** The sum of two tensors of one shape. */
  add(x: T, y: T): T;
  /** The product of two maps of one shape, or of a map and a number for each of its channels, `[1, 1, c]`. */
  multiply(x: T, y: T): T;
  /**
   * Multiplies each channel of a map by a trained number, initially `value`: the layer scale of arXiv:2103.17239, whose
   * parameter has the shape `[c, 1, 1]` in PyTorch and no last part in its name. `[h, w, c] → [h, w, c]`
   */
  channelScale(name: string, x: T, value: number): T;
  /** Multiplies every number by `factor`. */
  scale(x: T, factor: number): T;
  /** Concatenates the channels of maps with equal height and width. `[h, w, a], [h, w, b]… → [h, w, a + b + …]` */
  concat(maps: readonly T[]): T;
  /** The channels (the last axis) from `from` up to, not including, `to`. `[…, c] → […, to − from]` */
  slice(x: T, options: { from: number; to: number }): T;
  /** Interleaves the channels of equal groups: channel i of group g moves to `i · groups + g` (arXiv:1707.01083). */
  shuffle(x: T, groups: number): T;
  /** Drops values with probability `rate` in training and scales up the rest. `name` keys the random stream. */
  dropout(name: string, x: T, rate: number): T;
  /**
   * Drops whole samples with probability `rate` in training and scales up the rest: stochastic depth (arXiv:1603.09382),
   * as torchvision's `StochasticDepth` with the mode `row`. `name` keys the random stream.
   */
  dropPath(name: string, x: T, rate: number): T;
  /** Makes each position of a map a token, row by row. `[h, w, c] → [h·w, c]` */
  tokens(x: T): T;
  /**
   * A trained vector for each id, as PyTorch's `Embedding`, initially N(0, 1). Ids are whole numbers.
   * `[tokens] → [tokens, width]`
   */
  embedding(name: string, ids: T, options: EmbeddingOptions): T;
  /** Puts a trained token before a sequence. `[tokens, width] → [1 + tokens, width]` */
  prepend(name: string, x: T, initial: Initializer): T;
  /** Adds a trained vector to each position of a sequence. `[tokens, width]` */
  positions(name: string, x: T, initial: Initializer): T;
  /**
   * Adds the first rows of a trained table to a sequence, as the position embeddings of BERT: the parameter is
   * `<name>.weight`, `[rows, width]`. `[tokens, width]`
   */
  positionTable(name: string, x: T, options: PositionTableOptions): T;
  /**
   * Adds one of two trained vectors to each token: the first up to the first separator, the second behind it, as the segment
   * embeddings of BERT. The parameter is `<name>.weight`, `[2, width]`. `[tokens, width]`
   */
  segments(name: string, x: T, ids: T, options: SegmentOptions): T;
  /** One token of a sequence, counted from 0. `[tokens, width] → [width]` */
  token(x: T, index: number): T;
  /** The mean of the tokens with mask 1, or of all tokens without a mask. `[tokens, width] → [width]` */
  meanOfTokens(x: T, mask?: T): T;
  /** A mask with 1 for each token and 0 where the id is that of padding. `[tokens] → [tokens]` */
  present(ids: T, padding: number): T;
  /**
   * Scaled dot-product attention with several heads (arXiv:1706.03762), without the linear layers around it. Head i
   * uses the i-th part of the width. Queries, keys and values are `[tokens, width]`.
   */
  attention(name: string, q: T, k: T, v: T, options: AttentionOptions<T>): Attention<T>;
  /** Names an intermediate tensor, so that terms can read it, and returns it. */
  tap(name: string, x: T): T;
  /** The shape of a value, without the batch. */
  shape(x: T): number[];
  /** A trained tensor that belongs to no layer, initially `value` everywhere. Its shape has no batch. */
  freeParameter(name: string, shape: number[], value: number): T;
  /**
   * A queue of the latest `length` samples of earlier steps, the newest first, padded with zeros. In training the
   * samples of this step are inserted afterwards, as a running statistic. `[…] → [length, …]`, without a batch.
   */
  memory(name: string, x: T, length: number): T;
}

export interface ConvOptions {
  out: number;
  kernel: number;
  stride?: number;
  padding?: number;
  bias?: boolean;
  /** Initial values of weight and bias. They default to PyTorch's: uniform within ±1/√fan_in. */
  initialWeight?: Initializer;
  initialBias?: Initializer;
}

export type DepthwiseOptions = Omit<ConvOptions, 'out'>;

export interface EnlargeOptions extends Omit<ConvOptions, 'kernel' | 'stride' | 'padding'> {
  /** A whole number above 1. */
  factor: number;
}

/** The side length of the kernel that enlarges a map. */
export function enlargingKernel(factor: number): number {
  return factor + 2 * Math.floor(factor / 2);
}

export interface LinearOptions extends Pick<ConvOptions, 'out' | 'bias' | 'initialWeight' | 'initialBias'> {
  /** Whether the layer is copied from another network and never trained. */
  frozen?: boolean;
}

export interface PoolingOptions {
  /** The side length of the windows. */
  size: number;
  /** The distance from one window to the next. Defaults to `size`. */
  stride?: number;
}

export interface MaxPoolingOptions extends PoolingOptions {
  /** How far the map is padded on each side, at most half of `size`. Default: 0. */
  padding?: number;
}

export interface BatchNormOptions {
  /** What is added to the variance. Default: 1e-5. */
  epsilon?: number;
  /** The share of the batch in the new running statistics. Default: 0.1. */
  momentum?: number;
}

/**
 * The functions of `activate`: `silu` is x·σ(x) with the logistic function σ, `hard_sigmoid` is min(max(x + 3, 0), 6) / 6
 * and `hard_swish` x times that (arXiv:1905.02244).
 */
export type ActivationFunction = 'sigmoid' | 'silu' | 'hard_sigmoid' | 'hard_swish' | 'tanh';

export interface PositionTableOptions {
  /** The number of rows, at least the number of tokens. */
  rows: number;
  initial: Initializer;
}

export interface SegmentOptions {
  /** The id of the token that ends a segment. Absent: all tokens are of the first one. */
  separator?: number | undefined;
  initial: Initializer;
}

export interface EmbeddingOptions {
  /** The number of ids, which start at 0. */
  vocabulary: number;
  width: number;
  initialWeight?: Initializer;
}

export interface AttentionOptions<T> {
  heads: number;
  /** `[tokens]`, 1 for the keys that may be attended to and 0 for the others. */
  mask?: T;
  /** The probability of dropping an attention weight in training. The layer's name keys the random stream. */
  dropout?: number;
}

export interface Attention<T> {
  /** `[tokens, width]` */
  output: T;
  /**
   * q·kᵀ/√(width of a head) before the softmax, `[heads, tokens, tokens]`, with a row for each query. Scores of masked
   * keys are 0, so that terms compare only the others (arXiv:1909.10351).
   */
  scores: T;
}

/** The definition of a network: computes an output from an input and names taps on the way. */
export type Forward = <T>(net: Net<T>, x: T) => T;

/** A distribution of initial values: uniform within ±bound, normal around 0, or constant. */
export type Initializer =
  | { type: 'uniform'; bound: number }
  | { type: 'normal'; deviation: number }
  | { type: 'constant'; value: number };

export interface ParameterSpec {
  /** The name in PyTorch, such as `features.0.weight`. */
  name: string;
  /**
   * The shape in the engine's layout: convolutions `[kh, kw, in, out]`, depthwise ones `[kh, kw, c, 1]`, linear layers
   * `[in, out]`; tokens `[1, 1, width]` and tables of positions `[1, tokens, width]`, as in PyTorch code.
   */
  shape: number[];
  initializer: Initializer;
  /** The permutation of axes to PyTorch's layout: `[out, in, kh, kw]`, `[c, 1, kh, kw]`, `[out, in]`. */
  interchange: number[];
  /** False for statistics (BatchNorm's running mean and variance, queues) and for frozen weights. */
  trainable: boolean;
  /** True for a weight that is copied from another network and never trained. */
  frozen?: boolean;
}

/** The shape of a parameter in PyTorch's layout. */
export function interchangeShape({
  shape,
  interchange,
}: Pick<ParameterSpec, 'shape' | 'interchange'>): number[] {
  return interchange.map((axis) => shape[axis]);
}

/** The properties of a network that are known without running it. */
export interface NetworkPlan {
  inputShape: number[];
  outputShape: number[];
  parameters: ParameterSpec[];
  /** The number of values in its weights, including frozen ones but not running statistics. */
  parameterCount: number;
  /** The shape of each tap by name, without the batch. */
  taps: Record<string, number[]>;
  /** Floating-point operations of the forward pass of one sample. A multiply-add counts as two. */
  flops: number;
  /** The number of values that all layers output for one sample, which dominate the memory of training. */
  activations: number;
}

/** Returns the number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
