import { Declarations } from './declarations.ts';
import {
  type ActivationFunction,
  type Attention,
  type AttentionOptions,
  type ConvOptions,
  type DepthwiseOptions,
  type EmbeddingOptions,
  type EnlargeOptions,
  enlargingKernel,
  type Forward,
  type Initializer,
  type LinearOptions,
  type MaxPoolingOptions,
  type Net,
  type NetworkPlan,
  type PoolingOptions,
  type PositionTableOptions,
  type SegmentOptions,
  sizeOf,
} from './network.ts';

type Shape = number[];

/**
 * Walks a network over shapes, without creating tensors.
 *
 * @param inputShape the shape of an input without the batch: `[height, width, channels]` or `[tokens]`
 * @throws RangeError if a layer does not fit its input; the message names the layer and the shape
 */
export function trace(forward: Forward, inputShape: Shape): NetworkPlan {
  const net = new TracingNet();
  const outputShape = forward(net, inputShape);
  return {
    inputShape,
    outputShape,
    parameters: net.declarations.list,
    parameterCount: net.declarations.list
      .filter((p) => p.trainable || p.frozen)
      .reduce((sum, p) => sum + sizeOf(p.shape), 0),
    taps: net.taps,
    flops: net.flops,
    activations: net.activations,
  };
}

/** The operations of a network over shapes. */
export class TracingNet implements Net<Shape> {
  readonly declarations = new Declarations();
  readonly taps: Record<string, Shape> = {};
  flops = 0;
  activations = 0;

  conv(name: string, x: Shape, options: ConvOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const { out, kernel, bias = true } = options;
    const shape = this.output(name, [...grid([height, width], options), out]);
    const fanIn = kernel * kernel * channels;
    this.declarations.weights(name, [kernel, kernel, channels, out], [3, 2, 0, 1], fanIn, options);
    this.flops += sizeOf(shape) * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  depthwise(name: string, x: Shape, options: DepthwiseOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const { kernel } = options;
    const shape = this.output(name, [...grid([height, width], options), channels]);
    const { bias = false } = options;
    const fanIn = kernel * kernel;
    const weights = [kernel, kernel, channels, 1];
    this.declarations.weights(name, weights, [2, 3, 0, 1], fanIn, { ...options, bias }, channels);
    this.flops += sizeOf(shape) * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  enlarge(name: string, x: Shape, options: EnlargeOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const { out, factor, bias = true } = options;
    const kernel = enlargingKernel(factor);
    const shape = this.output(name, [factor * height, factor * width, out]);
    // PyTorch counts the inputs of a transposed convolution by its outputs.
    this.declarations.weights(
      name,
      [kernel, kernel, out, channels],
      [3, 2, 0, 1],
      kernel * kernel * out,
      options,
      out,
    );
    this.flops += height * width * channels * kernel * kernel * out * 2 + (bias ? sizeOf(shape) : 0);
    return shape;
  }

  linear(name: string, x: Shape, options: LinearOptions): Shape {
    if (x.length < 1 || x.length > 3) {
      throw new RangeError(
        `${name}: a linear layer takes a vector, or a sequence or map of them, not [${x}]`,
      );
    }
    const { out, bias = true } = options;
    const fanIn = x[x.length - 1];
    const shape = this.output(name, [...x.slice(0, -1), out]);
    this.declarations.weights(name, [fanIn, out], [1, 0], fanIn, options);
    this.flops += sizeOf(shape) * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  batchNorm(name: string, x: Shape): Shape {
    this.declarations.channelwise(`${name}.weight`, x, 1);
    this.declarations.channelwise(`${name}.bias`, x, 0);
    this.declarations.channelwise(`${name}.running_mean`, x, 0, false);
    this.declarations.channelwise(`${name}.running_var`, x, 1, false);
    this.flops += 2 * sizeOf(x);
    return this.output(name, x);
  }

  layerNorm(name: string, x: Shape): Shape {
    this.declarations.channelwise(`${name}.weight`, x, 1);
    this.declarations.channelwise(`${name}.bias`, x, 0);
    // Two sums, a difference, a square, a quotient, the scale and the offset.
    this.flops += 7 * sizeOf(x);
    return this.output(name, x);
  }

  relu(x: Shape): Shape {
    this.flops += sizeOf(x);
    return this.output('relu', x);
  }

  relu6(x: Shape): Shape {
    this.flops += 2 * sizeOf(x);
    return this.output('relu6', x);
  }

  gelu(x: Shape): Shape {
    this.flops += 5 * sizeOf(x);
    return this.output('gelu', x);
  }

  activate(x: Shape, by: ActivationFunction): Shape {
    // A difference, two bounds and a quotient; or a power, a sum and a quotient, as of the others.
    this.flops += (by === 'silu' || by === 'hard_swish' ? 5 : 4) * sizeOf(x);
    return this.output('activate', x);
  }

  maxPool(x: Shape, options: MaxPoolingOptions): Shape {
    const { size, padding = 0 } = options;
    if (2 * padding > size) {
      throw new RangeError(`maxPool: the padding ${padding} is more than half of the window of ${size}`);
    }
    return this.pool('maxPool', x, options);
  }

  averagePool(x: Shape, options: PoolingOptions): Shape {
    return this.pool('averagePool', x, options);
  }

  globalAveragePool(x: Shape): Shape {
    const [, , channels] = this.map('globalAveragePool', x);
    this.flops += sizeOf(x);
    return this.output('globalAveragePool', [channels]);
  }

  meanMap(x: Shape): Shape {
    const [, , channels] = this.map('meanMap', x);
    this.flops += sizeOf(x);
    return this.output('meanMap', [1, 1, channels]);
  }

  flatten(x: Shape): Shape {
    return this.output('flatten', [sizeOf(x)]);
  }

  add(x: Shape, y: Shape): Shape {
    if (`${x}` !== `${y}`) throw new RangeError(`add: [${x}] and [${y}] differ in shape`);
    this.flops += sizeOf(x);
    return this.output('add', x);
  }

  multiply(x: Shape, y: Shape): Shape {
    const [, , channels] = this.map('multiply', x);
    if (`${x}` !== `${y}` && `${y}` !== `${[1, 1, channels]}`) {
      throw new RangeError(`multiply: [${y}] is neither [${x}] nor [1,1,${channels}]`);
    }
    this.flops += sizeOf(x);
    return this.output('multiply', x);
  }

  channelScale(name: string, x: Shape, value: number): Shape {
    const [, , channels] = this.map(name, x);
    this.declarations.layerScale(name, channels, value);
    this.flops += sizeOf(x);
    return this.output(name, x);
  }

  scale(x: Shape): Shape {
    this.flops += sizeOf(x);
    return this.output('scale', x);
  }

  concat(maps: readonly Shape[]): Shape {
    const [height, width] = this.map('concat', maps[0] ?? []);
    for (const map of maps) {
      const [h, w] = this.map('concat', map);
      if (h !== height || w !== width) {
        throw new RangeError(`concat: the maps [${maps[0]}] and [${map}] differ in height or width`);
      }
    }
    return this.output('concat', [height, width, maps.reduce((sum, [, , channels]) => sum + channels, 0)]);
  }

  slice(x: Shape, { from, to }: { from: number; to: number }): Shape {
    const channels = x[x.length - 1];
    if (from < 0 || from >= to || to > channels) {
      throw new RangeError(`slice: [${x}] does not have the channels from ${from} up to ${to}`);
    }
    return this.output('slice', [...x.slice(0, -1), to - from]);
  }

  shuffle(x: Shape, groups: number): Shape {
    const [, , channels] = this.map('shuffle', x);
    if (channels % groups !== 0) {
      throw new RangeError(
        `shuffle: the ${channels} channels of [${x}] are not divisible by ${groups} groups`,
      );
    }
    return this.output('shuffle', x);
  }

  dropout(_name: string, x: Shape, rate: number): Shape {
    return rate > 0 ? this.output('dropout', x) : x;
  }

  dropPath(_name: string, x: Shape, rate: number): Shape {
    return rate > 0 ? this.output('dropPath', x) : x;
  }

  tokens(x: Shape): Shape {
    const [height, width, channels] = this.map('tokens', x);
    return this.output('tokens', [height * width, channels]);
  }

  embedding(name: string, ids: Shape, { vocabulary, width, initialWeight }: EmbeddingOptions): Shape {
    if (ids.length !== 1) throw new RangeError(`${name}: takes ids [tokens], not [${ids}]`);
    const initial = initialWeight ?? ({ type: 'normal', deviation: 1 } as const);
    this.declarations.asInPytorch(`${name}.weight`, [vocabulary, width], initial);
    return this.output(name, [...ids, width]);
  }

  prepend(name: string, x: Shape, initial: Initializer): Shape {
    const [tokens, width] = this.sequence(name, x);
    this.declarations.asInPytorch(name, [1, 1, width], initial);
    return this.output(name, [1 + tokens, width]);
  }

  positions(name: string, x: Shape, initial: Initializer): Shape {
    this.declarations.asInPytorch(name, [1, ...this.sequence(name, x)], initial);
    this.flops += sizeOf(x);
    return this.output(name, x);
  }

  positionTable(name: string, x: Shape, { rows, initial }: PositionTableOptions): Shape {
    const [tokens, width] = this.sequence(name, x);
    if (tokens > rows) {
      throw new RangeError(`${name}: has positions for ${rows} tokens, and the texts have ${tokens}`);
    }
    this.declarations.asInPytorch(`${name}.weight`, [rows, width], initial);
    this.flops += sizeOf(x);
    return this.output(name, x);
  }

  segments(name: string, x: Shape, ids: Shape, { initial }: SegmentOptions): Shape {
    const [tokens, width] = this.sequence(name, x);
    if (`${ids}` !== `${[tokens]}`) throw new RangeError(`${name}: the ids [${ids}] do not fit [${x}]`);
    this.declarations.asInPytorch(`${name}.weight`, [2, width], initial);
    this.flops += 3 * sizeOf(x);
    return this.output(name, x);
  }

  token(x: Shape, index: number): Shape {
    const [tokens, width] = this.sequence('token', x);
    if (index < 0 || index >= tokens) throw new RangeError(`token: [${x}] has no token ${index}`);
    return this.output('token', [width]);
  }

  meanOfTokens(x: Shape, mask?: Shape): Shape {
    const [tokens, width] = this.sequence('meanOfTokens', x);
    this.mask('meanOfTokens', mask, tokens);
    this.flops += sizeOf(x) * (mask === undefined ? 1 : 2);
    return this.output('meanOfTokens', [width]);
  }

  present(ids: Shape): Shape {
    if (ids.length !== 1) throw new RangeError(`present: takes ids [tokens], not [${ids}]`);
    return this.output('present', ids);
  }

  attention(
    name: string,
    q: Shape,
    k: Shape,
    v: Shape,
    { heads, mask }: AttentionOptions<Shape>,
  ): Attention<Shape> {
    const [tokens, width] = this.sequence(name, q);
    if (`${q}` !== `${k}` || `${q}` !== `${v}`) {
      throw new RangeError(`${name}: queries [${q}], keys [${k}] and values [${v}] differ in shape`);
    }
    if (width % heads !== 0)
      throw new RangeError(`${name}: the width ${width} is not divisible by ${heads} heads`);
    this.mask(name, mask, tokens);
    const scores = this.output(name, [heads, tokens, tokens]);
    this.output(name, scores);
    // Two products, the scale, and the softmax's difference, power, sum and quotient.
    this.flops += 4 * tokens * tokens * width + sizeOf(q) + 4 * sizeOf(scores);
    return { output: this.output(name, q), scores };
  }

  tap(name: string, x: Shape): Shape {
    if (name in this.taps) throw new RangeError(`two taps are named ${name}: names must be unique`);
    this.taps[name] = x;
    return x;
  }

  shape(x: Shape): number[] {
    return x;
  }

  private pool(name: string, x: Shape, { size, stride = size, padding = 0 }: MaxPoolingOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const shape = this.output(name, [...grid([height, width], { kernel: size, stride, padding }), channels]);
    this.flops += sizeOf(shape) * size * size;
    return shape;
  }

  private map(name: string, x: Shape): [number, number, number] {
    if (x.length !== 3) throw new RangeError(`${name}: takes a map [height, width, channels], not [${x}]`);
    return x as [number, number, number];
  }

  private sequence(name: string, x: Shape): [number, number] {
    if (x.length !== 2) throw new RangeError(`${name}: takes a sequence [tokens, width], not [${x}]`);
    return x as [number, number];
  }

  private mask(name: string, mask: Shape | undefined, tokens: number): void {
    if (mask === undefined || `${mask}` === `${[tokens]}`) return;
    throw new RangeError(`${name}: the mask [${mask}] does not fit ${tokens} tokens`);
  }

  /** Counts the output of a layer. */
  private output(name: string, shape: Shape): Shape {
    if (shape.some((extent) => extent < 1)) {
      throw new RangeError(`${name}: the input is too small, its output would be [${shape}]`);
    }
    this.activations += sizeOf(shape);
    return shape;
  }

  freeParameter(name: string, shape: Shape, value: number): Shape {
    this.declarations.asInPytorch(name, shape, { type: 'constant', value });
    return shape;
  }

  memory(name: string, x: Shape, length: number): Shape {
    const shape = [length, ...x];
    this.declarations.asInPytorch(name, shape, { type: 'constant', value: 0 }, false);
    return shape;
  }
}

/** Returns the number of windows that fit along each axis. */
function grid(
  extents: number[],
  { kernel, stride = 1, padding = 0 }: { kernel: number; stride?: number; padding?: number },
): number[] {
  return extents.map((extent) => Math.floor((extent + 2 * padding - kernel) / stride) + 1);
}
