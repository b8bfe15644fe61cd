import * as tf from '@tensorflow/tfjs-core';
import { Flow } from './flow.ts';
import { unrecorded } from './gradients.ts';
import type {
  BatchNormOptions,
  ConvOptions,
  DepthwiseOptions,
  EnlargeOptions,
  Forward,
  LinearOptions,
  MaxPoolingOptions,
  Net,
  PoolingOptions,
} from './network.ts';
import { observed } from './observe.ts';
import { batchNormEpsilon } from './ops/batch-norm.ts';
import { lowest, padded, RunningNet, type RunOptions, type Tensors } from './run.ts';
import { trace } from './trace.ts';

/**
 * A tensor and its slope: its derivative as the network's input moves in a direction. Both are ordinary tensors, so
 * results computed from them have gradients with respect to the parameters without any second-order gradient.
 */
export interface Dual {
  value: tf.Tensor;
  slope: tf.Tensor;
}

/**
 * Runs a network over tensors and their slopes: forward-mode differentiation with respect to the input, in float32.
 *
 * @param parameters the parameters by their names in the network's plan; they are constant
 * @param x the input `[batch, …inputShape]` as `value`, and the direction in which it moves as `slope`
 */
export function tangent(
  forward: Forward,
  parameters: Tensors,
  { value, slope }: Dual,
  { training }: Pick<RunOptions, 'training'> = {},
): Dual {
  const net: Partial<Net<Flows>> = new TangentNet(parameters, { training, taps: [] });
  const output = forward(net as Net<Flows>, { value: Flow.of(value), slope: Flow.of(slope) });
  return { value: output.value.float32(), slope: output.slope.float32() };
}

/** Returns the first operation of a network that `tangent` does not support; undefined if it supports all of them. */
export function withoutSlope(forward: Forward, inputShape: number[]): string | undefined {
  let found: string | undefined;
  trace((net, x) => {
    const watched = observed(net, (operation) => {
      if (!(operation in TangentNet.prototype)) found ??= operation;
      return undefined;
    });
    return forward(watched, x);
  }, inputShape);
  return found;
}

interface Flows {
  value: Flow;
  slope: Flow;
}

/** The operations of a network over values and slopes. Linear operations are applied to both. */
class TangentNet implements Partial<Net<Flows>> {
  private readonly net: RunningNet;
  private readonly parameters: Tensors;
  private readonly options: RunOptions;

  constructor(parameters: Tensors, options: RunOptions) {
    this.net = new RunningNet(parameters, options);
    this.parameters = parameters;
    this.options = options;
  }

  conv(name: string, x: Flows, options: ConvOptions): Flows {
    return {
      value: this.net.conv(name, x.value, options),
      slope: this.net.conv(name, x.slope, { ...options, bias: false }),
    };
  }

  enlarge(name: string, x: Flows, options: EnlargeOptions): Flows {
    return {
      value: this.net.enlarge(name, x.value, options),
      slope: this.net.enlarge(name, x.slope, { ...options, bias: false }),
    };
  }

  depthwise(name: string, x: Flows, options: DepthwiseOptions): Flows {
    return {
      value: this.net.depthwise(name, x.value, options),
      slope: this.net.depthwise(name, x.slope, { ...options, bias: false }),
    };
  }

  linear(name: string, x: Flows, options: LinearOptions): Flows {
    return {
      value: this.net.linear(name, x.value, options),
      slope: this.net.linear(name, x.slope, { ...options, bias: false }),
    };
  }

  batchNorm(name: string, x: Flows, options: BatchNormOptions = {}): Flows {
    const { epsilon = batchNormEpsilon } = options;
    const scale = this.parameters[`${name}.weight`];
    if (this.options.training === undefined) {
      const deviation = tf.sqrt(tf.add(this.parameters[`${name}.running_var`], epsilon));
      return {
        value: this.net.batchNorm(name, x.value, options),
        slope: Flow.of(tf.mul(x.slope.float32(), tf.div(scale, deviation))),
      };
    }
    const [value, slope] = [x.value.float32(), x.slope.float32()];
    const axes = value.shape.map((_, axis) => axis).slice(0, -1);
    const { mean, variance } = tf.moments(value, axes);
    const rate = tf.rsqrt(tf.add(variance, epsilon));
    const normalized = tf.mul(tf.sub(value, mean), rate);
    // Mean and standard deviation depend on the batch and move with it.
    const shift = tf.mean(slope, axes);
    const stretch = tf.mul(normalized, tf.mean(tf.mul(normalized, slope), axes));
    const moved = tf.mul(tf.sub(tf.sub(slope, shift), stretch), rate);
    return {
      value: Flow.of(tf.add(tf.mul(normalized, scale), this.parameters[`${name}.bias`])),
      slope: Flow.of(tf.mul(moved, scale)),
    };
  }

  relu(x: Flows): Flows {
    return {
      value: this.net.relu(x.value),
      slope: Flow.of(tf.mul(x.slope.float32(), tf.step(x.value.float32()))),
    };
  }

  relu6(x: Flows): Flows {
    const value = x.value.float32();
    const inside = tf.mul(tf.step(value), tf.step(tf.sub(6, value)));
    return { value: this.net.relu6(x.value), slope: Flow.of(tf.mul(x.slope.float32(), inside)) };
  }

  maxPool(x: Flows, { size, stride = size, padding = 0 }: MaxPoolingOptions): Flows {
    const pooled = this.net.maxPool(x.value, { size, stride, padding });
    const [value, slope] = [
      padded(x.value.float32(), padding, lowest) as tf.Tensor4D,
      padded(x.slope.float32(), padding) as tf.Tensor4D,
    ];
    const places = Array.from({ length: size * size }, (_, i) => [Math.floor(i / size), i % size] as const);
    const slopes = places.map((place) => atPlace(slope, place, size, stride));
    // The first maximum of a window determines its slope, as it also gets its gradient. Which element that is counts as
    // constant.
    const higher = unrecorded(() => {
      let highest = atPlace(value, places[0], size, stride);
      return places.slice(1).map((place) => {
        const next = atPlace(value, place, size, stride);
        const above = tf.greater(next, highest);
        highest = tf.maximum(highest, next);
        return above;
      });
    });
    const moved = higher.reduce((best, above, i) => tf.where(above, slopes[i + 1], best), slopes[0]);
    return { value: pooled, slope: Flow.of(moved) };
  }

  averagePool(x: Flows, options: PoolingOptions): Flows {
    return both(x, (part) => this.net.averagePool(part, options));
  }

  globalAveragePool(x: Flows): Flows {
    return both(x, (part) => this.net.globalAveragePool(part));
  }

  meanMap(x: Flows): Flows {
    return both(x, (part) => this.net.meanMap(part));
  }

  flatten(x: Flows): Flows {
    return both(x, (part) => this.net.flatten(part));
  }

  add(x: Flows, y: Flows): Flows {
    return { value: this.net.add(x.value, y.value), slope: this.net.add(x.slope, y.slope) };
  }

  concat(maps: readonly Flows[]): Flows {
    return {
      value: this.net.concat(maps.map(({ value }) => value)),
      slope: this.net.concat(maps.map(({ slope }) => slope)),
    };
  }

  slice(x: Flows, options: { from: number; to: number }): Flows {
    return both(x, (part) => this.net.slice(part, options));
  }

  shuffle(x: Flows, groups: number): Flows {
    return both(x, (part) => this.net.shuffle(part, groups));
  }

  /** The random stream has a key, so value and slope get the same mask. */
  dropout(name: string, x: Flows, rate: number): Flows {
    return both(x, (part) => this.net.dropout(name, part, rate));
  }

  tap(_name: string, x: Flows): Flows {
    return x;
  }

  shape(x: Flows): number[] {
    return this.net.shape(x.value);
  }
}

function both({ value, slope }: Flows, linear: (part: Flow) => Flow): Flows {
  return { value: linear(value), slope: linear(slope) };
}

/** Returns the elements at one place of each window: `[batch, h, w, c]` → `[batch, windows, windows, c]`. */
function atPlace(
  x: tf.Tensor4D,
  [down, right]: readonly [number, number],
  size: number,
  stride: number,
): tf.Tensor {
  const [batch, height, width, channels] = x.shape;
  const [lines, columns] = [height, width].map((extent) => Math.floor((extent - size) / stride) + 1);
  const low = every(tf.reshape(x, [batch, height, width * channels]), down, lines, stride);
  const narrow = every(tf.reshape(low, [batch * lines, width, channels]), right, columns, stride);
  return tf.reshape(narrow, [batch, lines, columns, channels]);
}

/**
 * Returns `count` elements of the middle axis, from `first` on and `stride` apart, using operations with a gradient.
 */
function every(x: tf.Tensor3D, first: number, count: number, stride: number): tf.Tensor {
  const [outer, extent, inner] = x.shape;
  const missing = Math.max(0, first + count * stride - extent);
  const long =
    missing === 0
      ? x
      : tf.pad(x, [
          [0, 0],
          [0, missing],
          [0, 0],
        ]);
  const span = tf.slice(long, [0, first, 0], [outer, count * stride, inner]);
  return tf.slice(tf.reshape(span, [outer * count, stride, inner]), [0, 0, 0], [outer * count, 1, inner]);
}
