/**
 * A network is written once, against this interface, and read in two ways: `trace` walks it over shapes (parameters,
 * taps, FLOPs, no tensor is made), `run` over tensors. So a plan can never disagree with what is trained.
 *
 * `T` is what flows: a shape when traced, a tensor when run. Shapes are NHWC without the batch.
 */
export interface Net<T> {
  /** 2-D convolution with zero padding; PyTorch's `Conv2d`. `[h, w, in] → [h', w', out]` */
  conv(name: string, x: T, options: ConvOptions): T;
  /**
   * 2-D convolution of each channel with a filter of its own, with zero padding and without bias; PyTorch's `Conv2d` with
   * as many groups as channels. `[h, w, c] → [h', w', c]`
   */
  depthwise(name: string, x: T, options: DepthwiseOptions): T;
  /** Fully connected layer over the last axis; PyTorch's `Linear`. `[in] → [out]`, `[tokens, in] → [tokens, out]` */
  linear(name: string, x: T, options: LinearOptions): T;
  /** Batch normalisation over all but the channels; PyTorch's `BatchNorm2d` (momentum .1, epsilon 1e-5). */
  batchNorm(name: string, x: T): T;
  /** Normalisation of each vector of the last axis; PyTorch's `LayerNorm`. */
  layerNorm(name: string, x: T, options?: { epsilon?: number }): T;
  relu(x: T): T;
  /** `relu` that ends at 6. */
  relu6(x: T): T;
  /** x·Φ(x), Φ being the normal distribution's own function: PyTorch's default, exact form (arXiv:1606.08415). */
  gelu(x: T): T;
  /** Without padding; incomplete windows at the edge are dropped, as PyTorch's `MaxPool2d` does. */
  maxPool(x: T, options: PoolingOptions): T;
  /** The mean of each window; windows lie as those of `maxPool`. PyTorch's `AvgPool2d`. */
  averagePool(x: T, options: PoolingOptions): T;
  /** The mean of each channel. `[h, w, c] → [c]` */
  globalAveragePool(x: T): T;
  /**
   * `[h, w, c] → [c·h·w]`, channels outermost: PyTorch's order, so that weights exchange without a permutation.
   * `[tokens, width] → [tokens·width]`
   */
  flatten(x: T): T;
  /** The sum of two tensors of one shape. */
  add(x: T, y: T): T;
  /** Every number times `factor`. */
  scale(x: T, factor: number): T;
  /** Puts maps of one height and width behind each other. `[h, w, a], [h, w, b]… → [h, w, a + b + …]` */
  concat(maps: readonly T[]): T;
  /** The channels (the last axis) from `from` on, up to `to`. `[…, c] → […, to − from]` */
  slice(x: T, options: { from: number; to: number }): T;
  /** Deals out the channels of equal groups in turn: the i-th of group g goes to `i · groups + g` (arXiv:1707.01083). */
  shuffle(x: T, groups: number): T;
  /** Drops with probability `rate` in training and scales what is left; `name` keys its random stream. */
  dropout(name: string, x: T, rate: number): T;
  /** Every position of a map as a token, line by line. `[h, w, c] → [h·w, c]` */
  tokens(x: T): T;
  /** A trained vector for each id; PyTorch's `Embedding`, at first N(0, 1). Ids are whole numbers. `[tokens] → [tokens, width]` */
  embedding(name: string, ids: T, options: EmbeddingOptions): T;
  /** Puts a trained token before a sequence. `[tokens, width] → [1 + tokens, width]` */
  prepend(name: string, x: T, initial: Initializer): T;
  /** Adds a trained vector to each position of a sequence. `[tokens, width]` */
  positions(name: string, x: T, initial: Initializer): T;
  /** One token of a sequence, counted from 0. `[tokens, width] → [width]` */
  token(x: T, index: number): T;
  /** The mean of the tokens that a mask leaves, of all without one. `[tokens, width] → [width]` */
  meanOfTokens(x: T, mask?: T): T;
  /** 1 where an id differs from that of padding, 0 where it is padding: a mask. `[tokens] → [tokens]` */
  present(ids: T, padding: number): T;
  /**
   * Scaled dot-product attention of several heads (arXiv:1706.03762), without the linear layers around it; head i has
   * the i-th part of the width. Queries, keys and values: `[tokens, width]`.
   */
  attention(name: string, q: T, k: T, v: T, options: AttentionOptions<T>): Attention<T>;
  /** Names an intermediate tensor, so that terms can ask for it; returns it. */
  tap(name: string, x: T): T;
  /** The shape without the batch. */
  shape(x: T): number[];
  /** A trained tensor that belongs to no layer, at first `value` everywhere. It has no batch: `shape` is all of it. */
  freeParameter(name: string, shape: number[], value: number): T;
  /**
   * The latest `length` samples that came by in earlier steps, the newest first; before there were so many, zeros. In
   * training the samples that come by now are put in afterwards, as a running statistic is. `[…] → [length, …]`, without
   * a batch
   */
  memory(name: string, x: T, length: number): T;
}

export interface ConvOptions {
  out: number;
  kernel: number;
  stride?: number;
  padding?: number;
  bias?: boolean;
  /** First values of weight and bias; PyTorch's own defaults where absent. */
  initialWeight?: Initializer;
  initialBias?: Initializer;
}

export type DepthwiseOptions = Omit<ConvOptions, 'out' | 'bias' | 'initialBias'>;

export interface LinearOptions extends Pick<ConvOptions, 'out' | 'bias' | 'initialWeight' | 'initialBias'> {
  /** The layer is given from elsewhere and stays as it is: part of the network, but never trained. */
  frozen?: boolean;
}

/** Side length of the windows, and how far one lies from the next: without a gap where absent. */
export interface PoolingOptions {
  size: number;
  stride?: number;
}

export interface EmbeddingOptions {
  /** Ids go from 0 up to it. */
  vocabulary: number;
  width: number;
  initialWeight?: Initializer;
}

export interface AttentionOptions<T> {
  heads: number;
  /** `[tokens]`, 1 for the keys that may be attended to, 0 for the others. */
  mask?: T;
  /** Probability with which a token's attention to another is dropped in training; keyed by the layer's name. */
  dropout?: number;
}

export interface Attention<T> {
  /** `[tokens, width]` */
  output: T;
  /**
   * q·kᵀ/√(width of a head), before the softmax, `[heads, tokens, tokens]`: a line for each query. Those of masked keys
   * are 0 here, so that terms may compare what is left (arXiv:1909.10351).
   */
  scores: T;
}

/** A network's definition: what it computes from an input; taps are recorded on the way. */
export type Forward = <T>(net: Net<T>, x: T) => T;

export type Initializer =
  | { type: 'uniform'; bound: number }
  /** Around 0. */
  | { type: 'normal'; deviation: number }
  | { type: 'constant'; value: number };

export interface ParameterSpec {
  /** PyTorch's name, e.g. `features.0.weight`. */
  name: string;
  /**
   * As it is held here: convolutions `[kh, kw, in, out]`, depthwise ones `[kh, kw, c, 1]`, linear layers `[in, out]`,
   * tokens `[1, 1, width]` and tables of positions `[1, tokens, width]`, as PyTorch code has them.
   */
  shape: number[];
  initializer: Initializer;
  /** Axes that bring it to PyTorch's layout: `[out, in, kh, kw]`, `[c, 1, kh, kw]`, `[out, in]`. */
  interchange: number[];
  /** False for what no gradient moves: statistics (BatchNorm's running mean and variance) and frozen weights. */
  trainable: boolean;
  /** A weight that is given from elsewhere and stays. */
  frozen?: boolean;
}

/** What can be told of a network without running it. */
export interface NetworkPlan {
  inputShape: number[];
  outputShape: number[];
  parameters: ParameterSpec[];
  /** Numbers in its weights, frozen ones among them; running statistics are left out. */
  parameterCount: number;
  /** Tap name → shape without the batch. */
  taps: Record<string, number[]>;
  /** Floating-point operations of one sample's forward pass, a multiply-add counted as two. */
  flops: number;
  /** Numbers that the forward pass of one sample puts out, layer by layer: the bulk of training's memory. */
  activations: number;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
