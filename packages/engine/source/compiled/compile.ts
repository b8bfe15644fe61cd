import * as tf from '@tensorflow/tfjs-core';
import {
  flag,
  isNative,
  isNativeGpu,
  nativeBackend,
  type NativeOutput,
  text,
  wrap,
} from '../backends/native.ts';
import { hasGraphs, removeFunction } from './graph.ts';
import { firstDifference, NotCompilable, type Origin, record, type Recording } from './recorder.ts';

/** Tensors in lists and records. */
export type TensorsIn = tf.Tensor | readonly TensorsIn[] | { readonly [key: string]: TensorsIn };

export interface CompileOptions {
  /** A name for messages and for the function in TensorFlow. */
  name: string;
  /**
   * Whether XLA compiles the function; by default on a GPU. On a CPU its code is slower than TensorFlow's kernels. A function
   * that XLA cannot compile runs without it.
   */
  xla?: boolean;
  /** Receives the reason why the function runs operation by operation. */
  refused?: (reason: string) => void;
}

/** A function of tensors that runs as a single call of TensorFlow where that is possible. */
export interface Compiled<I extends TensorsIn, O extends TensorsIn> {
  (argument: I): O;
  /** Frees what was compiled. */
  dispose(): void;
}

/**
 * Compiles a function. At the first call with tensors of new shapes it is recorded twice, without computing anything, and
 * registered as a function of TensorFlow; the call and all later ones run that. A function that cannot be compiled runs
 * operation by operation.
 *
 * The function reads its argument, variables, and tensors that exist before the first call and never change. What else
 * differs between calls comes from `feed`. It may assign variables, and reads nothing back from the device.
 */
export function compile<I extends TensorsIn, O extends TensorsIn>(
  f: (argument: I) => O,
  { name, xla = isNativeGpu(), refused = () => {} }: CompileOptions,
): Compiled<I, O> {
  const programs = new Map<string, Program<O>>();
  let reason = compilerRefusal();
  if (reason !== undefined) refused(reason);

  function programOf(argument: I, tensors: readonly tf.Tensor[]): Program<O> | undefined {
    const key = tensors.map(({ shape, dtype }) => `${dtype}[${shape}]`).join();
    const known = programs.get(key);
    if (known !== undefined) return known;
    let example: O | undefined;
    const once = () => record(() => tensorsIn((example = f(argument))), tensors);
    const recordings: Recording[] = [];
    try {
      recordings.push(once());
      recordings.push(once());
      const [recording, again] = recordings;
      const difference = firstDifference(recording, again);
      if (difference !== undefined)
        throw new NotCompilable(`${difference} differs from step to step and is not fed`);
      const program = new Program(recording, name, xla, example as O);
      programs.set(key, program);
      return program;
    } catch (error) {
      if (!(error instanceof NotCompilable)) throw error;
      reason = error.message;
      refused(reason);
      return undefined;
    } finally {
      for (const { graph } of recordings) graph.dispose();
    }
  }

  const call = (argument: I) => {
    if (reason !== undefined) return f(argument);
    const tensors = tensorsIn(argument);
    const program = programOf(argument, tensors);
    return program === undefined ? f(argument) : program.run(tensors);
  };
  return Object.assign(call, {
    dispose() {
      for (const program of programs.values()) program.dispose();
      programs.clear();
    },
  });
}

/** The setting STEP: `eager` compiles nothing; with `compiled`, what cannot be compiled is an error. */
export function stepSetting(): string {
  return process.env.STEP || 'auto';
}

/** Why this process compiles nothing; undefined where it does. */
export function compilerRefusal(): string | undefined {
  if (stepSetting() === 'eager') return 'STEP is eager';
  if (!isNative()) return 'only the TensorFlow engines compile steps';
  if (!hasGraphs()) return 'the native addon has no graphs (scripts/setup.mjs builds one that has)';
  return undefined;
}

/** A registered function of TensorFlow with what its inputs and outputs stand for. */
class Program<O extends TensorsIn> {
  private readonly name: string;
  private readonly inputs: Origin[];
  private readonly assigned: tf.Variable[];
  private readonly results: number;
  private readonly example: O;
  private xla: boolean;

  constructor(
    { graph, inputs, results, assigned, effects }: Recording,
    name: string,
    xla: boolean,
    example: O,
  ) {
    const outputs = [...results, ...assigned.map(({ value }) => value)];
    this.name = graph.register(
      name,
      inputs.map(({ at }) => at),
      outputs,
      effects,
    );
    this.inputs = inputs.map(({ origin }) => origin);
    this.assigned = assigned.map(({ variable }) => variable);
    this.results = results.length;
    this.xla = xla;
    this.example = example;
  }

  run(tensors: readonly tf.Tensor[]): O {
    const backend = nativeBackend();
    const { binding } = backend;
    const fed: number[] = [];
    const ids = this.inputs.map((origin) => {
      if (origin.kind === 'captured') return origin.id;
      if (origin.kind === 'argument') return backend.getInputTensorIds([tensors[origin.index]])[0];
      if (origin.kind === 'variable') return backend.getInputTensorIds([origin.variable])[0];
      const id = binding.createTensor(origin.shape, origin.dtype, origin.compute());
      fed.push(id);
      return id;
    });
    const outputs = this.execute(ids).map(wrap);
    for (const id of fed) binding.deleteTensor(id);
    for (const [index, variable] of this.assigned.entries()) {
      const value = outputs[this.results + index];
      variable.assign(value);
      value.dispose();
    }
    let next = 0;
    return mapTensors(this.example, () => outputs[next++]);
  }

  private execute(ids: readonly number[]): NativeOutput[] {
    const { binding } = nativeBackend();
    const count = this.results + this.assigned.length;
    if (this.xla) {
      try {
        return binding.executeOp(this.name, [flag('_XlaMustCompile', true)], ids, count);
      } catch {
        // XLA refuses before anything is computed. What fails in computing fails again below.
        this.xla = false;
      }
    }
    return binding.executeOp(this.name, isNativeGpu() ? [] : [inOrder()], ids, count);
  }

  dispose(): void {
    removeFunction(this.name);
  }
}

/**
 * Lets one thread run the operations of a function one after another, each of which uses all threads. Two at once would compete
 * for the same threads.
 */
const inOrder = () => text('executor_type', 'SINGLE_THREADED_EXECUTOR');

/** All tensors of a structure, in a fixed order. */
function tensorsIn(structure: TensorsIn): tf.Tensor[] {
  if (structure instanceof tf.Tensor) return [structure];
  return parts(structure).flatMap(([, part]) => tensorsIn(part));
}

/** Replaces the tensors of a structure, in the order of `tensorsIn`. */
function mapTensors<S extends TensorsIn>(structure: S, map: () => tf.Tensor): S {
  if (structure instanceof tf.Tensor) return map() as S;
  if (Array.isArray(structure))
    return structure.map((part: TensorsIn) => mapTensors(part, map)) as unknown as S;
  return Object.fromEntries(parts(structure).map(([key, part]) => [key, mapTensors(part, map)])) as S;
}

/** The entries of a list or record, whatever the order in which a record was built. */
function parts(structure: Exclude<TensorsIn, tf.Tensor>): [string, TensorsIn][] {
  const entries: [string, TensorsIn][] = Object.entries(structure);
  return Array.isArray(structure) ? entries : entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
