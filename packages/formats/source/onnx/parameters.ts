import { toFloat16 } from '../float16.ts';
import type { NamedTensor } from '../format.ts';
import { permute } from '../permute.ts';
import { quantized } from '../quantize.ts';
import { TensorsByName } from '../tensors-by-name.ts';
import type { OnnxModel } from './model.ts';

/** How the weights of layers are stored. Computation is in float32 in each case, so that every runtime takes the file. */
export type Precision = 'float32' | 'float16' | 'int8';

/** Adds the parameters of a network to a model when its operations ask for them. */
export class Parameters {
  private readonly tensors: TensorsByName;
  private readonly model: OnnxModel;
  private readonly precision: Precision;

  constructor(parameters: readonly NamedTensor[], model: OnnxModel, precision: Precision) {
    this.tensors = new TensorsByName(parameters);
    this.model = model;
    this.precision = precision;
  }

  /** A parameter in float32 in every precision: biases, normalisations, positions. Returns the name of its value. */
  exact(name: string): string {
    const { shape, data } = this.tensors.get(name);
    return this.model.tensor(name, 'float32', shape, data);
  }

  /**
   * The weights of a layer in the chosen precision.
   *
   * @param axis the axis of the layer's outputs, each of which has a scale of its own in int8
   * @param axes a permutation of the axes of PyTorch's layout; default: none
   */
  weights(name: string, axis: number, axes?: readonly number[]): string {
    const found = this.tensors.get(name);
    const { shape, data } = axes === undefined ? found : permute(found.data, found.shape, axes);
    if (this.precision === 'float32') return this.model.tensor(name, 'float32', shape, data);
    if (this.precision === 'float16') {
      const half = this.model.tensor(name, 'float16', shape, toFloat16(data));
      return this.model.node('Cast', [half], { to: 1 });
    }
    const { values, scales } = quantized(data, shape, axis);
    return this.model.node(
      'DequantizeLinear',
      [
        this.model.tensor(name, 'int8', shape, values),
        this.model.tensor(`${name}.scales`, 'float32', [scales.length], scales),
        this.model.tensor(`zeros_${scales.length}`, 'int8', [scales.length], new Int8Array(scales.length)),
      ],
      { axis },
    );
  }
}
