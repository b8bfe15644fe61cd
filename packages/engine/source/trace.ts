import {
  type ConvOptions,
  type DepthwiseOptions,
  type Forward,
  type LinearOptions,
  type Net,
  type NetworkPlan,
  type ParameterSpec,
  type PoolingOptions,
  sizeOf,
} from './network.ts';

type Shape = number[];

/**
 * Walks a network over shapes.
 *
 * @param inputShape without the batch: `[height, width, channels]`
 * @throws RangeError when a layer does not fit its input, naming the layer and the shape
 */
export function trace(forward: Forward, inputShape: Shape): NetworkPlan {
  const net = new TracingNet();
  const outputShape = forward(net, inputShape);
  return {
    inputShape,
    outputShape,
    parameters: net.parameters,
    parameterCount: net.parameters
      .filter((p) => p.trainable || p.frozen)
      .reduce((sum, p) => sum + sizeOf(p.shape), 0),
    taps: net.taps,
    flops: net.flops,
    activations: net.activations,
  };
}

class TracingNet implements Net<Shape> {
  readonly parameters: ParameterSpec[] = [];
  readonly taps: Record<string, Shape> = {};
  flops = 0;
  activations = 0;
  private readonly names = new Set<string>();

  conv(name: string, x: Shape, options: ConvOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const { out, kernel, bias = true } = options;
    const shape = this.put(name, [...grid([height, width], options), out]);
    const fanIn = kernel * kernel * channels;
    this.weights(name, [kernel, kernel, channels, out], [3, 2, 0, 1], fanIn, options);
    this.flops += sizeOf(shape) * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  depthwise(name: string, x: Shape, options: DepthwiseOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const { kernel } = options;
    const shape = this.put(name, [...grid([height, width], options), channels]);
    const fanIn = kernel * kernel;
    this.weights(name, [kernel, kernel, channels, 1], [2, 3, 0, 1], fanIn, { ...options, bias: false });
    this.flops += sizeOf(shape) * 2 * fanIn;
    return shape;
  }

  linear(name: string, x: Shape, options: LinearOptions): Shape {
    if (x.length !== 1) throw new RangeError(`${name}: a linear layer takes a vector, not [${x}]`);
    const { out, bias = true } = options;
    const fanIn = x[0];
    const shape = this.put(name, [out]);
    this.weights(name, [fanIn, out], [1, 0], fanIn, options);
    this.flops += out * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  batchNorm(name: string, x: Shape): Shape {
    const shape = [x[x.length - 1]];
    const add = (suffix: string, value: number, trainable: boolean) =>
      this.declare({
        name: `${name}.${suffix}`,
        shape,
        initializer: { type: 'constant', value },
        interchange: [0],
        trainable,
      });
    add('weight', 1, true);
    add('bias', 0, true);
    add('running_mean', 0, false);
    add('running_var', 1, false);
    this.flops += 2 * sizeOf(x);
    return this.put(name, x);
  }

  relu(x: Shape): Shape {
    this.flops += sizeOf(x);
    return this.put('relu', x);
  }

  relu6(x: Shape): Shape {
    this.flops += 2 * sizeOf(x);
    return this.put('relu6', x);
  }

  maxPool(x: Shape, options: PoolingOptions): Shape {
    return this.pool('maxPool', x, options);
  }

  averagePool(x: Shape, options: PoolingOptions): Shape {
    return this.pool('averagePool', x, options);
  }

  globalAveragePool(x: Shape): Shape {
    const [, , channels] = this.map('globalAveragePool', x);
    this.flops += sizeOf(x);
    return this.put('globalAveragePool', [channels]);
  }

  flatten(x: Shape): Shape {
    return this.put('flatten', [sizeOf(x)]);
  }

  add(x: Shape, y: Shape): Shape {
    if (`${this.map('add', x)}` !== `${this.map('add', y)}`) {
      throw new RangeError(`add: the maps [${x}] and [${y}] differ in shape`);
    }
    this.flops += sizeOf(x);
    return this.put('add', x);
  }

  concat(maps: readonly Shape[]): Shape {
    const [height, width] = this.map('concat', maps[0] ?? []);
    for (const map of maps) {
      const [h, w] = this.map('concat', map);
      if (h !== height || w !== width) {
        throw new RangeError(`concat: the maps [${maps[0]}] and [${map}] differ in height or width`);
      }
    }
    return this.put('concat', [height, width, maps.reduce((sum, [, , channels]) => sum + channels, 0)]);
  }

  slice(x: Shape, { from, to }: { from: number; to: number }): Shape {
    const [height, width, channels] = this.map('slice', x);
    if (from < 0 || from >= to || to > channels) {
      throw new RangeError(`slice: [${x}] does not have the channels from ${from} up to ${to}`);
    }
    return this.put('slice', [height, width, to - from]);
  }

  shuffle(x: Shape, groups: number): Shape {
    const [, , channels] = this.map('shuffle', x);
    if (channels % groups !== 0) {
      throw new RangeError(`shuffle: the channels of [${x}] do not make ${groups} equal groups`);
    }
    return this.put('shuffle', x);
  }

  dropout(_name: string, x: Shape, rate: number): Shape {
    return rate > 0 ? this.put('dropout', x) : x;
  }

  tap(name: string, x: Shape): Shape {
    if (name in this.taps) throw new RangeError(`two taps are named ${name}`);
    this.taps[name] = x;
    return x;
  }

  shape(x: Shape): number[] {
    return x;
  }

  private pool(name: string, x: Shape, { size, stride = size }: PoolingOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const shape = this.put(name, [...grid([height, width], { kernel: size, stride }), channels]);
    this.flops += sizeOf(shape) * size * size;
    return shape;
  }

  /** PyTorch's default for Conv2d and Linear: both weight and bias uniform within ±1/√fan_in. */
  private weights(
    name: string,
    shape: number[],
    interchange: number[],
    fanIn: number,
    options: Omit<LinearOptions, 'out'>,
  ): void {
    const standard = { type: 'uniform', bound: 1 / Math.sqrt(fanIn) } as const;
    const { bias = true, initialWeight = standard, initialBias = standard, frozen = false } = options;
    const status = frozen ? { trainable: false, frozen } : { trainable: true };
    this.declare({
      name: `${name}.weight`,
      shape,
      initializer: initialWeight,
      interchange,
      ...status,
    });
    if (!bias) return;
    this.declare({
      name: `${name}.bias`,
      shape: shape.slice(-1),
      initializer: initialBias,
      interchange: [0],
      ...status,
    });
  }

  private declare(parameter: ParameterSpec): void {
    if (this.names.has(parameter.name)) throw new RangeError(`two parameters are named ${parameter.name}`);
    this.names.add(parameter.name);
    this.parameters.push(parameter);
  }

  private map(name: string, x: Shape): [number, number, number] {
    if (x.length !== 3) throw new RangeError(`${name}: takes a map [height, width, channels], not [${x}]`);
    return x as [number, number, number];
  }

  private put(name: string, shape: Shape): Shape {
    if (shape.some((extent) => extent < 1)) {
      throw new RangeError(`${name}: the input is too small, its output would be [${shape}]`);
    }
    this.activations += sizeOf(shape);
    return shape;
  }

  freeParameter(name: string, shape: Shape, value: number): Shape {
    const interchange = shape.map((_, axis) => axis);
    this.declare({ name, shape, initializer: { type: 'constant', value }, interchange, trainable: true });
    return shape;
  }
}

/** Where windows lie: how many fit in each direction. */
function grid(
  extents: number[],
  { kernel, stride = 1, padding = 0 }: { kernel: number; stride?: number; padding?: number },
): number[] {
  return extents.map((extent) => Math.floor((extent + 2 * padding - kernel) / stride) + 1);
}
