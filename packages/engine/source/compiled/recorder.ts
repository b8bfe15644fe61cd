import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import {
  type Attribute,
  type Binding,
  type NativeBackend,
  nativeBackend,
  type NativeOutput,
  shapeOf,
  type TensorRecord,
  type,
  types,
  wrap,
} from '../backends/native.ts';
import { Graph, type GraphOutput } from './graph.ts';

/** Why a function cannot be compiled. It then runs operation by operation. */
export class NotCompilable extends Error {}

type Values = Float32Array | Int32Array;

/** Where the value of an input of a recorded function comes from when it is called. */
export type Origin =
  | { kind: 'argument'; index: number }
  | { kind: 'variable'; variable: tf.Variable }
  /** A tensor that exists before the first call and never changes, or the handle of a resource. */
  | { kind: 'captured'; id: number }
  | { kind: 'fed'; shape: number[]; dtype: number; compute: () => Values };

/** A line for each operation, from which two recordings of one function are compared. */
interface Line {
  type: string;
  content: string;
}

/** A recorded function. The caller disposes its graph. */
export interface Recording {
  graph: Graph;
  inputs: { origin: Origin; at: GraphOutput }[];
  /** The tensors that the function returned. */
  results: GraphOutput[];
  /** The variables that it assigned. */
  assigned: { variable: tf.Variable; value: GraphOutput }[];
  /** The last operations on each resource. */
  effects: number[];
  lines: Line[];
}

/** The parts of the TensorFlow.js engine that list variables and count tensors. */
interface EngineState {
  registeredVariables: Record<string, tf.Variable>;
  numTensors: number;
  numDataBuffers: number;
  numBytes: number;
}

let active: Recorder | undefined;

/** The recorder of the function that is being recorded, if there is one. */
export function recorder(): Recorder | undefined {
  return active;
}

/**
 * States that a number which changes from step to step is read. While a step is recorded, this is right only within `feed`;
 * anywhere else the number would become a constant of the compiled step.
 *
 * @throws NotCompilable
 */
export function readsVarying(name: string): void {
  if (active?.feeding === false) throw new NotCompilable(`${name} is read outside of feed`);
}

/** The shapes of the variables behind resource handles, by the handle's data. */
const resourceShapes = new WeakMap<object, readonly number[]>();

/** Notes the shape of a resource's value, which its handle does not tell TensorFlow. */
export function noteResource(handle: tf.Tensor, shape: readonly number[]): void {
  resourceShapes.set(handle.dataId, shape);
}

/**
 * Records a function without computing anything: TensorFlow.js runs it, while each operation goes into a graph. Variables
 * and other state are as before when it returns.
 *
 * @param run the function; its tensors are disposed
 * @param tensors what differs from call to call, in the order of the function's arguments
 * @throws NotCompilable naming what a graph cannot do
 */
export function record(run: () => readonly tf.Tensor[], tensors: readonly tf.Tensor[]): Recording {
  if (active !== undefined) throw new RangeError('a function is already being recorded');
  const { state } = tf.engine() as unknown as { state: EngineState };
  const variables = Object.values(state.registeredVariables);
  // Another handle on each value keeps it alive while the function assigns the variable.
  const before = variables.map((variable) => tf.keep(tf.clone(variable)));
  const recording = new Recorder(nativeBackend(), tensors, variables);
  const { numTensors, numDataBuffers, numBytes } = state;
  let returned: readonly tf.Tensor[] = [];
  active = recording;
  try {
    return recording.during(() => {
      returned = run();
      const assigned = variables.filter((variable, index) => variable.dataId !== before[index].dataId);
      return recording.finish(returned, assigned);
    });
  } catch (error) {
    // The function was interrupted, so tensors that it would have disposed are still counted. They never had any memory.
    Object.assign(state, { numTensors, numDataBuffers, numBytes });
    recording.dispose();
    throw error;
  } finally {
    active = undefined;
    for (const [index, variable] of variables.entries()) {
      if (variable.dataId !== before[index].dataId) variable.assign(before[index]);
    }
    tf.dispose([...before, ...returned]);
  }
}

/** Whether an output, whose shape no graph knows, is only handed on to the operation's gradient. */
function isOpaque(operation: string, output: number): boolean {
  return operation === 'FusedBatchNormV3' && output === 5;
}

/** Returns the first operation in which two recordings differ, or undefined if they are the same. */
export function firstDifference(a: Recording, b: Recording): string | undefined {
  const length = Math.max(a.lines.length, b.lines.length);
  for (let i = 0; i < length; i++) {
    const [one, other] = [a.lines[i], b.lines[i]];
    if (one?.type === other?.type && one?.content === other?.content) continue;
    return (one ?? other).type;
  }
  return undefined;
}

/** Stands in for the addon while a function is recorded. Recorded tensors have numbers below −1. */
export class Recorder {
  /** Whether the values of a fed tensor are being computed. */
  feeding = false;
  private readonly backend: NativeBackend;
  private readonly binding: Binding;
  private readonly graph = new Graph();
  private readonly inputs: Recording['inputs'] = [];
  private readonly lines: Line[] = [];
  private readonly outputs: GraphOutput[] = [];
  /** What is known of tensors from before the recording, by their numbers. */
  private readonly known = new Map<number, { record: TensorRecord; dataId: object }>();
  private readonly captured = new Map<number, GraphOutput>();
  /** The shapes of resources, and the last operation on each, by the operation that stands for its handle. */
  private readonly shapes = new Map<number, readonly number[]>();
  private readonly effects = new Map<number, number>();
  /** The data of tensors that the function creates. */
  private readonly own = new WeakSet<object>();
  private readonly arguments: Map<object, number>;
  private readonly variables: Map<object, tf.Variable>;

  constructor(backend: NativeBackend, tensors: readonly tf.Tensor[], variables: readonly tf.Variable[]) {
    this.backend = backend;
    this.binding = backend.binding;
    this.arguments = new Map(tensors.map(({ dataId }, index) => [dataId, index]));
    this.variables = new Map(variables.map((variable) => [variable.dataId, variable]));
  }

  dispose(): void {
    this.graph.dispose();
  }

  /** Runs `work` with the recorder in place of the addon. */
  during<T>(work: () => T): T {
    const { backend, binding } = this;
    const { getInputTensorIds, move } = backend;
    const standIn: Partial<Binding> = {
      createTensor: (shape, dtype, values) => this.constant(shape, dtype, values),
      deleteTensor: () => {
        throw new RangeError('a recorded function disposed a tensor that it did not create');
      },
      tensorDataSync: () => {
        throw new NotCompilable('a value is read back within the step');
      },
      executeOp: (name, attributes, inputs, count) => this.execute(name, attributes, inputs, count),
    };
    backend.binding = Object.create(binding, Object.getOwnPropertyDescriptors(standIn)) as Binding;
    backend.move = (dataId, ...rest) => {
      this.own.add(dataId);
      move.call(backend, dataId, ...rest);
    };
    backend.getInputTensorIds = (tensors) =>
      tensors.flatMap((tensor) => {
        this.upload(tensor);
        const ids = getInputTensorIds.call(backend, [tensor]);
        if (ids[0] >= 0) this.note(ids[0], tensor.dataId);
        return ids;
      });
    try {
      return work();
    } finally {
      Object.assign(backend, { binding, move, getInputTensorIds });
    }
  }

  /** Adds an input that `compute` fills for every call. */
  feed(shape: number[], compute: () => Values): tf.Tensor {
    this.feeding = true;
    const example = compute();
    this.feeding = false;
    const dtype = example instanceof Int32Array ? types.int32 : types.float32;
    const at = this.input({ kind: 'fed', shape, dtype, compute }, shape, dtype);
    return wrap({ id: this.idOf(at), shape, dtype });
  }

  finish(returned: readonly tf.Tensor[], assigned: readonly tf.Variable[]): Recording {
    return {
      graph: this.graph,
      results: returned.map((tensor) => this.outputOf(tensor)),
      assigned: assigned.map((variable) => ({ variable, value: this.outputOf(variable) })),
      inputs: this.inputs,
      effects: [...new Set(this.effects.values())],
      lines: this.lines,
    };
  }

  /** Copies values from before the recording to TensorFlow, so that they become no constants. */
  private upload({ dataId }: tf.TensorInfo): void {
    const record = dataId === undefined ? undefined : this.backend.tensorMap.get(dataId);
    if (record === undefined || record.values === null || this.own.has(dataId)) return;
    record.id = this.binding.createTensor(record.shape, record.dtype, record.values);
    record.values = null;
  }

  private note(id: number, dataId: object): void {
    this.known.set(id, { record: this.backend.tensorMap.get(dataId), dataId });
  }

  private constant(shape: readonly number[], dtype: number, values: tf.BackendValues): number {
    if (!ArrayBuffer.isView(values)) throw new NotCompilable('a constant holds strings');
    const id = this.binding.createTensor(shape, dtype, values);
    const operation = this.graph.addConstant(id);
    this.binding.deleteTensor(id);
    const digest = createHash('sha1').update(values).digest('hex');
    this.lines.push({ type: `a constant of shape [${shape}]`, content: `${dtype} ${digest}` });
    return this.idOf([operation, 0]);
  }

  private execute(
    name: string,
    attributes: readonly Attribute[],
    ids: readonly number[],
    count: number,
  ): NativeOutput[] {
    const inputs = ids.map((id) => this.resolve(id));
    const resources = inputs
      .map(([operation]) => operation)
      .filter((operation) => this.shapes.has(operation));
    const controls = resources.flatMap((operation) => this.effects.get(operation) ?? []);
    const [operation, outputs] = this.added(name, attributes, inputs, [...new Set(controls)]);
    for (const resource of resources) this.effects.set(resource, operation);
    const content = JSON.stringify([attributes.map(({ name: key, value }) => [key, value]), inputs]);
    this.lines.push({ type: name, content });
    const shape = name === 'ReadVariableOp' ? this.shapes.get(inputs[0][0]) : undefined;
    if (shape !== undefined) this.graph.setShape([operation, 0], shape);
    return outputs.slice(0, count).map(({ shape: inferred, dtype }, output) => {
      const known = isOpaque(name, output) ? [0] : shape === undefined ? inferred : [...shape];
      if (known === null || known.includes(-1))
        throw new NotCompilable(`the shape of ${name} is known only once it has run`);
      return { id: this.idOf([operation, output]), shape: known, dtype };
    });
  }

  private added(
    name: string,
    attributes: readonly Attribute[],
    inputs: GraphOutput[],
    controls: number[],
  ): ReturnType<Graph['add']> {
    try {
      return this.graph.add({ type: name, attributes, inputs, controls });
    } catch (error) {
      throw new NotCompilable(`${name} fits no graph: ${(error as Error).message}`, { cause: error });
    }
  }

  private outputOf(tensor: tf.Tensor): GraphOutput {
    const [id] = this.backend.getInputTensorIds([tensor]);
    const at = this.resolve(id);
    // A function cannot return its own input.
    return id < 0
      ? at
      : [
          this.added('Identity', [type('T', this.backend.tensorMap.get(tensor.dataId).dtype)], [at], [])[0],
          0,
        ];
  }

  private resolve(id: number): GraphOutput {
    if (id < -1) return this.outputs[-2 - id];
    const found = this.captured.get(id);
    if (found !== undefined) return found;
    const { record, dataId } = this.known.get(id) as { record: TensorRecord; dataId: object };
    const index = this.arguments.get(dataId);
    const variable = this.variables.get(dataId);
    const origin: Origin =
      index !== undefined
        ? { kind: 'argument', index }
        : variable !== undefined
          ? { kind: 'variable', variable }
          : { kind: 'captured', id };
    const at = this.input(origin, record.shape, record.dtype);
    const shape = resourceShapes.get(dataId);
    if (shape !== undefined) this.shapes.set(at[0], shape);
    this.captured.set(id, at);
    return at;
  }

  private input(origin: Origin, shape: number[], dtype: number): GraphOutput {
    const attributes = [type('dtype', dtype), shapeOf('shape', shape)];
    const [operation] = this.graph.add({ type: 'Placeholder', attributes, inputs: [] });
    const at: GraphOutput = [operation, 0];
    this.inputs.push({ origin, at });
    const which = origin.kind === 'captured' ? origin.id : origin.kind === 'argument' ? origin.index : '';
    this.lines.push({ type: 'a tensor from outside', content: `${origin.kind} ${which} ${dtype} ${shape}` });
    return at;
  }

  private idOf(at: GraphOutput): number {
    return -2 - (this.outputs.push(at) - 1);
  }
}
