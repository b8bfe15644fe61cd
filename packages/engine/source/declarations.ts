import type { Initializer, LinearOptions, ParameterSpec } from './network.ts';

/** The parameters that the layers of a network declare while it is traced, in the order of the layers. */
export class Declarations {
  readonly list: ParameterSpec[] = [];
  private readonly names = new Set<string>();

  /** Declares weight and bias. PyTorch's default for Conv2d and Linear draws both uniformly within ±1/√fan_in. */
  weights(
    name: string,
    shape: number[],
    interchange: number[],
    fanIn: number,
    options: Omit<LinearOptions, 'out'>,
    outputs = shape[shape.length - 1],
  ): void {
    const standard = { type: 'uniform', bound: 1 / Math.sqrt(fanIn) } as const;
    const { bias = true, initialWeight = standard, initialBias = standard, frozen = false } = options;
    const status = frozen ? { trainable: false, frozen } : { trainable: true };
    this.declare({ name: `${name}.weight`, shape, initializer: initialWeight, interchange, ...status });
    if (!bias) return;
    this.declare({
      name: `${name}.bias`,
      shape: [outputs],
      initializer: initialBias,
      interchange: [0],
      ...status,
    });
  }

  /** Declares a parameter with one number for each channel of a map. */
  channelwise(name: string, x: readonly number[], value: number, trainable = true): void {
    const initializer = { type: 'constant', value } as const;
    this.declare({ name, shape: x.slice(-1), initializer, interchange: [0], trainable });
  }

  /** Declares a number for each channel of a map, `[1, 1, c]`, which is `[c, 1, 1]` in PyTorch. */
  layerScale(name: string, channels: number, value: number): void {
    const initializer = { type: 'constant', value } as const;
    this.declare({ name, shape: [1, 1, channels], initializer, interchange: [2, 0, 1], trainable: true });
  }

  /** Declares a tensor that has the same layout in PyTorch. */
  asInPytorch(name: string, shape: number[], initializer: Initializer, trainable = true): void {
    this.declare({ name, shape, initializer, interchange: shape.map((_, axis) => axis), trainable });
  }

  private declare(parameter: ParameterSpec): void {
    if (this.names.has(parameter.name)) {
      throw new RangeError(`two parameters are named ${parameter.name}: names must be unique`);
    }
    this.names.add(parameter.name);
    this.list.push(parameter);
  }
}
