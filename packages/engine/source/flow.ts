import * as tf from '@tensorflow/tfjs-core';
import { type Activation, activate } from './ops/activation.ts';
import { addMaps } from './ops/add.ts';
import type { Normalized } from './ops/batch-norm.ts';
import { biasAdd } from './ops/bias-add.ts';
import { toFloat32 } from './ops/convolution.ts';
import { maxPool } from './ops/max-pool.ts';

/** Computes a lazy tensor, together with what follows it where one operation does both. */
interface Source {
  activated(activation: Activation): tf.Tensor;
  maxPool(size: number, stride: number): Source;
  /** The sum with another map; absent where no operation computes both. */
  plus?(residual: tf.Tensor): Source;
}

/** The part of a tensor's last axis from `from` to before `to`. */
interface Slice {
  whole: tf.Tensor;
  from: number;
  to: number;
}

/** A lazy tensor between layers. It is computed once the layer that reads it is known. */
export class Flow {
  private readonly source: Source;
  private readonly activation: Activation;
  /** What it is a slice of, for operations that read several slices of a tensor at once. */
  readonly slice: Slice | undefined;
  private done: tf.Tensor | undefined;

  constructor(source: Source, activation: Activation = 'none', slice?: Slice) {
    this.source = source;
    this.activation = activation;
    this.slice = slice;
  }

  static of(x: tf.Tensor): Flow {
    return new Flow(new Biased(() => x));
  }

  /** Returns a part of a tensor's last axis, which is cut out when it is first read. */
  static sliced(slice: Slice): Flow {
    const { whole, from, to } = slice;
    const leading = whole.shape.slice(0, -1);
    const cut = () => tf.slice(whole, [...leading.map(() => 0), from], [...leading, to - from]);
    return new Flow(new Biased(cut), 'none', slice);
  }

  /** Returns a value that is computed when it is first read. */
  static lazily(compute: () => tf.Tensor): Flow {
    return new Flow(new Biased(compute));
  }

  relu(): Flow {
    // A ReLU changes nothing behind another one or a ReLU6.
    return this.activation === 'none' ? new Flow(this.source, 'relu') : this;
  }

  relu6(): Flow {
    return this.activation === 'none'
      ? new Flow(this.source, 'relu6')
      : Flow.of(activate(this.tensor(), 'relu6'));
  }

  plus(other: Flow): Flow {
    const sum = this.fused(other) ?? other.fused(this);
    return sum ?? Flow.of(addMaps(this.tensor(), other.tensor()));
  }

  /** Returns the sum as one operation with the source; undefined where that is not possible or computes the source twice. */
  private fused(other: Flow): Flow | undefined {
    if (this.activation !== 'none' || this.done !== undefined) return undefined;
    return this.source.plus === undefined ? undefined : new Flow(this.source.plus(other.tensor()));
  }

  /**
   * Pools before the bias and the activation, which then run over a fraction of the elements. They commute with max pooling
   * bit for bit, because they keep the order of numbers.
   */
  maxPool(size: number, stride: number): Flow {
    // A map that has been read is already computed.
    if (this.done !== undefined) return Flow.of(maxPool(this.done, { size, stride }));
    return new Flow(this.source.maxPool(size, stride), this.activation);
  }

  /** Computes the tensor, in float32 or bfloat16. */
  tensor(): tf.Tensor {
    this.done ??= this.source.activated(this.activation);
    return this.done;
  }

  /** Computes the tensor in float32. */
  float32(): tf.Tensor {
    return toFloat32(this.tensor());
  }
}

type Compute = (bias: tf.Tensor1D | undefined) => tf.Tensor;

/** A lazy tensor with an optional bias, which is added by the operation that computes it or after a pooling. */
export class Biased implements Source {
  private readonly compute: Compute;
  private readonly bias: tf.Tensor1D | undefined;
  private withoutBias: tf.Tensor | undefined;
  private withBias: tf.Tensor | undefined;

  /** @param compute computes the tensor, with the bias that it is given */
  constructor(compute: Compute, bias?: tf.Tensor1D) {
    this.compute = compute;
    this.bias = bias;
  }

  activated(activation: Activation): tf.Tensor {
    return activate(this.biased(), activation);
  }

  private biased(): tf.Tensor {
    const { withoutBias, bias } = this;
    this.withBias ??=
      withoutBias === undefined || bias === undefined ? this.compute(bias) : biasAdd(withoutBias, bias);
    return this.withBias;
  }

  maxPool(size: number, stride: number): Biased {
    const { bias } = this;
    if (this.withBias !== undefined || bias === undefined) {
      const pooled = maxPool(this.biased(), { size, stride });
      return new Biased(() => pooled);
    }
    this.withoutBias ??= this.compute(undefined);
    const pooled = maxPool(this.withoutBias, { size, stride });
    return new Biased((given) => (given === undefined ? pooled : biasAdd(pooled, given)), bias);
  }
}

/** A normalised batch, which is computed with the sum of a residual block and the activation behind it. */
export class Normalization implements Source {
  private readonly normalized: Normalized;
  private readonly residual: tf.Tensor | undefined;
  readonly plus?: Source['plus'];

  constructor(normalized: Normalized, residual?: tf.Tensor) {
    this.normalized = normalized;
    this.residual = residual;
    if (residual === undefined) this.plus = (added) => new Normalization(normalized, added);
  }

  activated(activation: Activation): tf.Tensor {
    return this.normalized.output(activation, this.residual);
  }

  maxPool(size: number, stride: number): Biased {
    const pooled = maxPool(this.activated('none'), { size, stride });
    return new Biased(() => pooled);
  }
}
