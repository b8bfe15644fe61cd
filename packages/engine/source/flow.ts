import * as tf from '@tensorflow/tfjs-core';
import { biasAdd } from './ops/bias-add.ts';
import { toFloat32 } from './ops/convolution.ts';
import { maxPool } from './ops/max-pool.ts';

/** What flows between layers. Nothing is computed before it is known what becomes of it. */
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

  /** What is computed when it is first asked for, or never. */
  static lazily(compute: () => tf.Tensor): Flow {
    return new Flow(new Source(compute));
  }

  relu(): Flow {
    return this.rectified ? this : new Flow(this.source, true);
  }

  /**
   * A bias and a ReLU commute with max pooling, bit for bit (both keep order), so they wait for it and then run over a
   * fraction of the elements.
   */
  maxPool(size: number, stride: number): Flow {
    // A map that was asked for is there already.
    if (this.done !== undefined) return Flow.of(maxPool(this.done, { size, stride }));
    return new Flow(this.source.maxPool(size, stride), this.rectified);
  }

  /** Float32 or bfloat16, whichever it flows in. */
  tensor(): tf.Tensor {
    this.done ??= this.rectified ? tf.relu(this.source.biased()) : this.source.biased();
    return this.done;
  }

  float32(): tf.Tensor {
    return toFloat32(this.tensor());
  }
}

type Compute = (bias: tf.Tensor1D | undefined) => tf.Tensor;

/** A tensor to which a bias may have to be added: in the operation that computes it, or after a pooling. */
export class Source {
  private readonly compute: Compute;
  private readonly bias: tf.Tensor1D | undefined;
  private plain: tf.Tensor | undefined;
  private whole: tf.Tensor | undefined;

  /** @param compute the tensor, with the bias that it is given */
  constructor(compute: Compute, bias?: tf.Tensor1D) {
    this.compute = compute;
    this.bias = bias;
  }

  biased(): tf.Tensor {
    const { plain, bias } = this;
    this.whole ??= plain === undefined || bias === undefined ? this.compute(bias) : biasAdd(plain, bias);
    return this.whole;
  }

  maxPool(size: number, stride: number): Source {
    const { bias } = this;
    if (this.whole !== undefined || bias === undefined) {
      const pooled = maxPool(this.biased(), { size, stride });
      return new Source(() => pooled);
    }
    this.plain ??= this.compute(undefined);
    const pooled = maxPool(this.plain, { size, stride });
    return new Source((given) => (given === undefined ? pooled : biasAdd(pooled, given)), bias);
  }
}
