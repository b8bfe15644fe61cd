import type { NamedTensor } from '../format.ts';
import { permute } from '../permute.ts';
import { TensorsByName } from '../tensors-by-name.ts';
import type { GraphModel, Storage } from './model.ts';

/** Adds the parameters of a network to a graph model when its operations ask for them. */
export class Parameters {
  private readonly tensors: TensorsByName;
  private readonly model: GraphModel;
  private readonly storage: Storage;

  constructor(parameters: readonly NamedTensor[], model: GraphModel, storage: Storage) {
    this.tensors = new TensorsByName(parameters);
    this.model = model;
    this.storage = storage;
  }

  /**
   * A parameter in float32 in every precision: biases, positions. Returns the name of its constant.
   *
   * @param axes the order of its axes in TensorFlow; default: as in PyTorch
   */
  exact(name: string, axes?: readonly number[]): string {
    const found = this.tensors.get(name);
    const { shape, data } = axes === undefined ? found : permute(found.data, found.shape, axes);
    return this.model.tensor(name, shape, data);
  }

  /** The weights of a layer in the chosen precision, with the axes of PyTorch's layout in the order of TensorFlow's. */
  weights(name: string, axes: readonly number[]): string {
    const found = this.tensors.get(name);
    const { shape, data } = permute(found.data, found.shape, axes);
    return this.model.tensor(name, shape, data, this.storage);
  }

  /** The factor and the offset of each channel that batch normalisation amounts to in evaluation. */
  normalization(name: string, epsilon: number): { scale: string; offset: string } {
    const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => this.tensors.get(`${name}.${part}`).data,
    );
    const scale = weight.map((value, channel) => value / Math.sqrt(variance[channel] + epsilon));
    const offset = bias.map((value, channel) => value - mean[channel] * scale[channel]);
    return {
      scale: this.model.tensor(`${name}.scale`, [scale.length], scale),
      offset: this.model.tensor(`${name}.offset`, [offset.length], offset),
    };
  }
}
