import {
  type ConvOptions,
  type Forward,
  type Net,
  type NetworkPlan,
  type ParameterSpec,
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
    parameterCount: net.parameters.filter((p) => p.trainable).reduce((sum, p) => sum + sizeOf(p.shape), 0),
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

  conv(name: string, x: Shape, { out, kernel, stride = 1, padding = 0, bias = true }: ConvOptions): Shape {
    const [height, width, channels] = this.map(name, x);
    const extent = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
    const shape = this.put(name, [extent(height), extent(width), out]);
    const fanIn = kernel * kernel * channels;
    this.weights(name, [kernel, kernel, channels, out], [3, 2, 0, 1], fanIn, bias);
    this.flops += sizeOf(shape) * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  linear(name: string, x: Shape, { out, bias = true }: { out: number; bias?: boolean }): Shape {
    if (x.length !== 1) throw new RangeError(`${name}: a linear layer takes a vector, not [${x}]`);
    const fanIn = x[0];
    const shape = this.put(name, [out]);
    this.weights(name, [fanIn, out], [1, 0], fanIn, bias);
    this.flops += out * (2 * fanIn + (bias ? 1 : 0));
    return shape;
  }

  batchNorm(name: string, x: Shape): Shape {
    const shape = [x[x.length - 1]];
    const add = (suffix: string, value: number, trainable: boolean) =>
      this.add({
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

  maxPool(x: Shape, { size, stride = size }: { size: number; stride?: number }): Shape {
    const [height, width, channels] = this.map('maxPool', x);
    const extent = (length: number) => Math.floor((length - size) / stride) + 1;
    const shape = this.put('maxPool', [extent(height), extent(width), channels]);
    this.flops += sizeOf(shape) * size * size;
    return shape;
  }

  flatten(x: Shape): Shape {
    return this.put('flatten', [sizeOf(x)]);
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

  /** PyTorch's default for Conv2d and Linear: both weight and bias uniform within ±1/√fan_in. */
  private weights(name: string, shape: number[], interchange: number[], fanIn: number, bias: boolean): void {
    const initializer = { type: 'uniform', bound: 1 / Math.sqrt(fanIn) } as const;
    this.add({ name: `${name}.weight`, shape, initializer, interchange, trainable: true });
    if (!bias) return;
    const out = shape[shape.length - 1];
    this.add({ name: `${name}.bias`, shape: [out], initializer, interchange: [0], trainable: true });
  }

  private add(parameter: ParameterSpec): void {
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
    this.add({ name, shape, initializer: { type: 'constant', value }, interchange, trainable: true });
    return shape;
  }
}
