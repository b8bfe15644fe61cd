import { bytes, encodeMessage, type Field, float, int, message, text } from './protobuf.ts';

/**
 * The element types of ONNX that we write, under their numbers in `TensorProto.DataType`
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;
export type ElementType = keyof typeof elementTypes;

/** Attributes of a node: a list of numbers is INTS, a number is INT, `{float}` is FLOAT. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { float: number }>>;

/** An input or an output of the model. The first dimension of a batch is its name. */
export interface Port {
  name: string;
  type: ElementType;
  shape: readonly (number | string)[];
}

/** The version of the format and of the operators: those of ONNX 1.12, which every runtime in use reads. */
const [irVersion, opset] = [8, 17];

/** Collects the nodes and the tensors of an ONNX model. Results are named by their node, so equal graphs give equal bytes. */
export class OnnxModel {
  private readonly nodes: Field[] = [];
  private readonly tensors: Field[] = [];
  private readonly named = new Set<string>();

  /** Adds a node with one result and returns the name of the result. */
  node(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.nodeWith(operator, inputs, attributes, [`${operator}_${this.nodes.length}`])[0];
  }

  /** Adds a node whose results have the given names. */
  nodeWith(
    operator: string,
    inputs: readonly string[],
    attributes: Attributes,
    results: readonly string[],
  ): readonly string[] {
    this.nodes.push(
      message(
        1,
        ...inputs.map((name) => text(1, name)),
        ...results.map((name) => text(2, name)),
        text(3, results[0]),
        text(4, operator),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    );
    return results;
  }

  /** Adds a constant tensor under a name of its own, once, and returns the name. */
  tensor(name: string, type: ElementType, shape: readonly number[], data: ArrayBufferView): string {
    if (this.named.has(name)) return name;
    this.named.add(name);
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const dims = shape.map((extent) => int(1, extent));
    this.tensors.push(message(5, ...dims, int(2, elementTypes[type]), text(8, name), bytes(9, raw)));
    return name;
  }

  /** Adds a list of whole numbers, such as a shape. */
  ints(values: readonly number[]): string {
    return this.tensor(
      `ints_${values.join('_')}`,
      'int64',
      [values.length],
      BigInt64Array.from(values, BigInt),
    );
  }

  /** Adds a scalar. */
  scalar(value: number): string {
    return this.tensor(`float_${value}`, 'float32', [], Float32Array.of(value));
  }

  encode(
    inputs: readonly Port[],
    outputs: readonly Port[],
    metadata: Readonly<Record<string, string>>,
  ): Uint8Array {
    const properties = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
    return encodeMessage(
      int(1, irVersion),
      text(2, 'distillery'),
      message(
        7,
        ...this.nodes,
        text(2, 'network'),
        ...this.tensors,
        ...inputs.map((port) => portField(11, port)),
        ...outputs.map((port) => portField(12, port)),
      ),
      message(8, int(2, opset)),
      ...properties.map(([key, value]) => message(14, text(1, key), text(2, value))),
    );
  }
}

const attributeTypes = { float: 1, int: 2, ints: 7 };

function attribute(name: string, value: Attributes[string]): Field {
  if (typeof value === 'number') return message(5, text(1, name), int(3, value), int(20, attributeTypes.int));
  if ('float' in value) {
    return message(5, text(1, name), float(2, value.float), int(20, attributeTypes.float));
  }
  return message(5, text(1, name), ...value.map((each) => int(8, each)), int(20, attributeTypes.ints));
}

function portField(field: number, { name, type, shape }: Port): Field {
  const dimensions = shape.map((extent) =>
    message(1, typeof extent === 'number' ? int(1, extent) : text(2, extent)),
  );
  const tensor = message(1, int(1, elementTypes[type]), message(2, ...dimensions));
  return message(field, text(1, name), message(2, tensor));
}
