import { bytesOf } from '../archive.ts';
import { toFloat16 } from '../float16.ts';

/** How a tensor of the weights file is stored. */
export type Storage = 'float32' | 'float16' | 'uint8';

/** An attribute in the JSON form of TensorFlow's AttrValue, whose texts are base64 and whose numbers are texts. */
type Attribute =
  | { type: string }
  | { s: string }
  | { b: boolean }
  | { i: string }
  | { list: { i: string[] } }
  | { tensor: { dtype: string; tensorShape: { dim: { size: string }[] } } }
  | { shape: { dim: { size: string }[] } };
export type Attributes = Readonly<Record<string, Attribute>>;

interface NodeDef {
  name: string;
  op: string;
  input: string[];
  attr: Attributes;
}

/** An entry of the manifest of weights (https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts). */
interface WeightEntry {
  name: string;
  shape: readonly number[];
  dtype: 'float32' | 'int32';
  quantization?:
    | { dtype: 'float16'; original_dtype: 'float32' }
    | { dtype: 'uint8'; scale: number; min: number; original_dtype: 'float32' };
}

const [float, int] = ['DT_FLOAT', 'DT_INT32'];

export const type = (dtype = float): Attribute => ({ type: dtype });
export const text = (value: string): Attribute => ({ s: btoa(value) });
export const ints = (values: readonly number[]): Attribute => ({ list: { i: values.map(String) } });
export const flag = (value: boolean): Attribute => ({ b: value });

/** Collects the nodes and the weights of a graph model of TensorFlow.js. */
export class GraphModel {
  private readonly nodes: NodeDef[] = [];
  private readonly entries: WeightEntry[] = [];
  private readonly pieces: Uint8Array[] = [];
  private readonly named = new Set<string>();

  /** Adds the input of the model. */
  input(name: string, shape: readonly number[], dtype: 'float32' | 'int32'): string {
    const dim = [-1, ...shape].map((size) => ({ size: String(size) }));
    const attr = { dtype: type(dtype === 'int32' ? int : float), shape: { shape: { dim } } };
    this.nodes.push({ name, op: 'Placeholder', input: [], attr });
    return name;
  }

  /** Adds a node and returns its name. */
  node(
    op: string,
    input: readonly string[],
    attributes: Attributes = {},
    name = `${op}_${this.nodes.length}`,
  ): string {
    this.nodes.push({ name, op, input: [...input], attr: { T: type(), ...attributes } });
    return name;
  }

  /** Adds a constant of whole numbers: a shape, a permutation, an axis. A single number is a scalar. */
  ints(values: readonly number[] | number): string {
    const list = typeof values === 'number' ? [values] : values;
    const shape = typeof values === 'number' ? [] : [list.length];
    const name = `${shape.length === 0 ? 'int' : 'ints'}_${list.join('_')}`;
    return this.constant({ name, shape, dtype: 'int32' }, () => bytesOf(Int32Array.from(list)));
  }

  scalar(value: number): string {
    return this.constant({ name: `float_${value}`, shape: [], dtype: 'float32' }, () =>
      bytesOf(Float32Array.of(value)),
    );
  }

  /** Adds a tensor under a name of its own, once, and returns the name. */
  tensor(name: string, shape: readonly number[], data: Float32Array, storage: Storage = 'float32'): string {
    const entry = { name, shape, dtype: 'float32' } as const;
    const original = { original_dtype: 'float32' } as const;
    if (storage === 'float32') return this.constant(entry, () => bytesOf(data));
    if (storage === 'float16') {
      const quantization = { dtype: 'float16', ...original } as const;
      return this.constant({ ...entry, quantization }, () => bytesOf(toFloat16(data)));
    }
    const { values, scale, min } = affine(data);
    return this.constant(
      { ...entry, quantization: { dtype: 'uint8', scale, min, ...original } },
      () => values,
    );
  }

  /** Returns `model.json` and `weights.bin`. */
  encode(output: string, metadata: Readonly<Record<string, string>>): { model: string; weights: Uint8Array } {
    const sorted = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
    const model = {
      format: 'graph-model',
      generatedBy: 'distillery',
      convertedBy: null,
      modelTopology: { node: this.nodes, library: {}, versions: { producer: 27 } },
      signature: { outputs: { [output]: { name: `${output}:0` } } },
      userDefinedMetadata: sorted,
      weightsManifest: [{ paths: ['weights.bin'], weights: this.entries }],
    };
    return { model: JSON.stringify(model), weights: Buffer.concat(this.pieces) };
  }

  private constant(entry: WeightEntry, bytes: () => Uint8Array): string {
    if (this.named.has(entry.name)) return entry.name;
    this.named.add(entry.name);
    const dtype = entry.dtype === 'int32' ? int : float;
    const dim = entry.shape.map((size) => ({ size: String(size) }));
    const attr = { dtype: type(dtype), value: { tensor: { dtype, tensorShape: { dim } } } };
    this.nodes.push({ name: entry.name, op: 'Const', input: [], attr });
    this.entries.push(entry);
    this.pieces.push(bytes());
    return entry.name;
  }
}

/** Whole numbers from 0 to 255 for one range of the whole tensor, which is what TensorFlow.js reads: value · scale + min. */
function affine(data: Float32Array): { values: Uint8Array; scale: number; min: number } {
  let [min, max] = [0, 0];
  for (const value of data) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const scale = max === min ? 1 : (max - min) / 255;
  return { values: Uint8Array.from(data, (value) => Math.round((value - min) / scale)), scale, min };
}
