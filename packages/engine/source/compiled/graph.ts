import type * as tf from '@tensorflow/tfjs-core';
import { type Attribute, type Binding, nativeBackend } from '../backends/native.ts';

/** An output of an operation in a graph: the operation's number and the output's. */
export type GraphOutput = readonly [operation: number, output: number];

/** What TensorFlow infers of an output. An unknown dimension is -1, an unknown rank null. */
interface InferredOutput {
  shape: number[] | null;
  dtype: number;
}

/** A graph of TensorFlow. Operations are numbered in the order in which they are added. */
type GraphHandle = object;

/** The functions that this project adds to the addon (scripts/setup/functions.cc). */
interface GraphBinding {
  copyTensor(shape: readonly number[], dtype: number, values: tf.BackendValues): number;
  newGraph(): GraphHandle;
  freeGraph(graph: GraphHandle): void;
  addOperation(
    graph: GraphHandle,
    type: string,
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    lists: readonly number[],
    controls: readonly number[],
  ): InferredOutput[];
  addConstant(graph: GraphHandle, name: string, tensorId: number): InferredOutput[];
  setShape(graph: GraphHandle, operation: number, output: number, shape: readonly number[]): void;
  addFunction(
    graph: GraphHandle,
    name: string,
    inputs: readonly number[],
    outputs: readonly number[],
    controls: readonly number[],
  ): string;
  removeFunction(name: string): void;
}

/** The real addon, also while operations are recorded. */
function addon(): Binding & Partial<GraphBinding> {
  return nativeBackend().binding;
}

const functions = [
  'copyTensor',
  'newGraph',
  'freeGraph',
  'addOperation',
  'addConstant',
  'setShape',
  'addFunction',
  'removeFunction',
] as const satisfies (keyof GraphBinding)[];

/** Whether the addon has graphs. The package's own download of it has none, and that of an earlier version fewer functions. */
export function hasGraphs(): boolean {
  const own = addon();
  return functions.every((name) => own[name] !== undefined);
}

/**
 * Lets TensorFlow copy the values of new tensors. By default it uses the memory of aligned typed arrays and gives it back to
 * JavaScript with the tensor, which a thread of a running function may drop last: that ends the process.
 */
export function copyNewTensors(): void {
  const backend = nativeBackend();
  const { binding } = backend as { binding: Binding & Partial<GraphBinding> };
  const { copyTensor } = binding;
  if (copyTensor === undefined) return;
  const createTensor: Binding['createTensor'] = (shape, dtype, values) =>
    ArrayBuffer.isView(values)
      ? copyTensor(shape, dtype, values)
      : binding.createTensor(shape, dtype, values);
  backend.binding = Object.create(binding, { createTensor: { value: createTensor } }) as Binding;
}

/** How many lists operations take that take several. */
const listsOf: Readonly<Record<string, number>> = {
  DistilleryAdam: 4,
  DistilleryMomentum: 3,
  DistilleryDescent: 2,
};

export interface Operation {
  type: string;
  attributes: readonly Attribute[];
  inputs: readonly GraphOutput[];
  /** Operations that run before it. */
  controls?: readonly number[];
}

/** A graph under construction. Adding an operation infers its outputs and computes nothing. */
export class Graph {
  private readonly binding = addon() as GraphBinding;
  private readonly handle = this.binding.newGraph();
  private count = 0;

  /** Frees its memory. Functions that were registered stay. */
  dispose(): void {
    this.binding.freeGraph(this.handle);
  }

  /** @returns the operation's number and its outputs */
  add({ type, attributes, inputs, controls = [] }: Operation): [number, InferredOutput[]] {
    const name = `${type}_${this.count}`.replace(/^_+/, '');
    // Operations with an attribute N (AddN, Pack, ConcatV2) take lists of N tensors first.
    const length = attributes.find((attribute) => attribute.name === 'N')?.value as number | undefined;
    const lists = length === undefined ? [] : Array<number>(listsOf[type] ?? 1).fill(length);
    const outputs = this.binding.addOperation(
      this.handle,
      type,
      name,
      attributes,
      inputs.flat(),
      lists,
      controls,
    );
    return [this.count++, outputs];
  }

  /** @param tensorId the number of a tensor of TensorFlow, whose value is copied */
  addConstant(tensorId: number): number {
    this.binding.addConstant(this.handle, `Const_${this.count}`, tensorId);
    return this.count++;
  }

  /** States the shape of an output where TensorFlow cannot infer it. */
  setShape([operation, output]: GraphOutput, shape: readonly number[]): void {
    this.binding.setShape(this.handle, operation, output, shape);
  }

  /**
   * Registers the graph as a function, which is called like an operation.
   *
   * @param controls operations that run even when no output depends on them
   * @returns the name of the function: `name` and a hash of its content
   */
  register(
    name: string,
    inputs: readonly GraphOutput[],
    outputs: readonly GraphOutput[],
    controls: readonly number[],
  ): string {
    return this.binding.addFunction(this.handle, name, inputs.flat(), outputs.flat(), controls);
  }
}

/** Frees a registered function. */
export function removeFunction(name: string): void {
  (addon() as GraphBinding).removeFunction(name);
}
