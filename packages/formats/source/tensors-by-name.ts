import { DistilleryError } from '@distillery/spec';
import type { NamedTensor } from './format.ts';

/** A parameter in float32. */
export interface Float32Tensor extends NamedTensor {
  data: Float32Array;
}

/** The parameters of a network by name, for formats that write the network as a graph. */
export class TensorsByName {
  private readonly tensors: ReadonlyMap<string, NamedTensor>;

  constructor(parameters: readonly NamedTensor[]) {
    this.tensors = new Map(parameters.map((tensor) => [tensor.name, tensor]));
  }

  /** @throws DistilleryError `artifact_corrupt` where the parameter is missing or not in float32 */
  get(name: string): Float32Tensor {
    const found = this.tensors.get(name);
    if (found?.data instanceof Float32Array) return found as Float32Tensor;
    const fault = found === undefined ? 'is missing' : `has the type ${found.dtype}, expected F32`;
    throw new DistilleryError('artifact_corrupt', `the weights do not fit their graph: ${name} ${fault}`);
  }
}
