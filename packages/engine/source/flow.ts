import * as tf from '@tensorflow/tfjs-core';
import { biasAdd } from './ops/bias-add.ts';
import { toFloat32 } from './ops/convolution.ts';
import { maxPool } from './ops/max-pool.ts';

/** A lazy tensor between layers. It is computed once the layer that reads it is known. */
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

  /** Returns a value that is computed when it is first read. */
  static lazily(compute: () => tf.Tensor): Flow {
    return new Flow(new Source(compute));
  }

  relu(): Flow {
    return this.rectified ? this : new Flow(this.source, true);
  }

  /**
   * Pools before the bias and the ReLU, which then run over a fraction of the elements. They commute with max pooling
   * bit for bit, because both keep the order of numbers.
   */
  maxPool(size: number, stride: number): Flow {
    // A map that has been read is already computed.
    if (this.done !== undefined) return Flow.of(maxPool(this.done, { size, stride }));
    return new Flow(this.source.maxPool(size, stride), this.rectified);
  }

  /** Computes the tensor, in float32 or bfloat16. */
  tensor(): tf.Tensor {
    this.done ??= this.rectified ? tf.relu(this.source.biased()) : this.source.biased();
    return this.done;
  }

  /** Computes the tensor in float32. */
  float32(): tf.Tensor {
    return toFloat32(this.tensor());
  }
}

type Compute = (bias: tf.Tensor1D | undefined) => tf.Tensor;

/** A lazy tensor with an optional bias, which is added by the operation that computes it or after a pooling. */
export class Source {
  private readonly compute: Compute;
  private readonly bias: tf.Tensor1D | undefined;
  private withoutBias: tf.Tensor | undefined;
  private withBias: tf.Tensor | undefined;

  /** @param compute computes the tensor, with the bias that it is given */
  constructor(compute: Compute, bias?: tf.Tensor1D) {
    this.compute = compute;
    this.bias = bias;
  }

  biased(): tf.Tensor {
    const { withoutBias, bias } = this;
    this.withBias ??=
      withoutBias === undefined || bias === undefined ? this.compute(bias) : biasAdd(withoutBias, bias);
    return this.withBias;
  }

  maxPool(size: number, stride: number): Source {
    const { bias } = this;
    if (this.withBias !== undefined || bias === undefined) {
      const pooled = maxPool(this.biased(), { size, stride });
      return new Source(() => pooled);
    }
    this.withoutBias ??= this.compute(undefined);
    const pooled = maxPool(this.withoutBias, { size, stride });
    return new Source((given) => (given === undefined ? pooled : biasAdd(pooled, given)), bias);
  }
}
