import type { Forward } from '@distillery/engine';
import type { Choice, Kind, Scheduled, Weight } from '@distillery/spec';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { z } from 'zod';

/** Tap name → shape without the batch, in the order in which the network computes them. */
export type TapShapes = Record<string, number[]>;

/** A network's trained parameters: name → shape as it is held here, in the network's order. */
export type ParameterShapes = Record<string, number[]>;

/** A pair of taps that a term compares. */
export interface TapPair {
  student: string;
  teacher: string;
}

/** A small trained network on the student's side (a regressor, a projector), built from the probed shapes. */
export interface Auxiliary {
  forward: Forward;
  inputShape: number[];
}

/** What a term sees of one batch. Teacher tensors are constants. */
export interface TermBatch {
  /** By tap name, `[batch, …]`. */
  student: Record<string, Tensor>;
  teacher: Record<string, Tensor>;
  /** `[batch]`, int32. */
  labels: Tensor1D;
  classes: number;
  /** What a scheduled option is now. */
  at: (option: Scheduled) => number;
  /** Applies the auxiliary network of that name. */
  auxiliary: (name: string, x: Tensor) => Tensor;
  /** The parameters that the term asked for, by name. */
  studentParameters?: Record<string, Tensor>;
  teacherParameters?: Record<string, Tensor>;
}

/** A term as bound to two networks: which taps it reads, what it trains, and its loss. */
export interface BoundTerm {
  /** What it reads of the student. */
  student: string[];
  /** What it reads of the teacher; empty for a term that needs no teacher. */
  teacher: string[];
  /** The parameters that it reads; absent in a term that reads none. */
  studentParameters?: string[];
  teacherParameters?: string[];
  /** True when it reads the labels; absent in a term that does not. */
  labels?: true;
  /** True when it compares the two, so that loss(teacher, teacher) must be 0. */
  matching: boolean;
  auxiliary: Record<string, Auxiliary>;
  /** The unweighted loss, a scalar. */
  loss(batch: TermBatch): Tensor;
}

/** A distillation term: one file, one line in `index.ts`. */
export interface Term<Options extends z.ZodObject = z.ZodObject> extends Kind {
  /** Options of every term include its `weight`. */
  readonly options: Options;
  /**
   * The loss in the letters of docs/methods.md: z logits, f features, F maps, `_s` of the student, `_t` of the teacher,
   * B the batch, K the classes, T the temperature.
   */
  readonly formula: string;
  /**
   * Binds the term to the taps of two networks, and to their parameters.
   *
   * @throws TapError when a tap does not exist or the shapes cannot be brought together
   */
  bind(
    options: z.output<Options>,
    student: TapShapes,
    teacher: TapShapes,
    parameters: { student: ParameterShapes; teacher: ParameterShapes },
  ): BoundTerm;
}

/** Options that a term does not fit its networks with; `path` leads to the option. */
export class TapError extends Error {
  readonly path: string;
  readonly value: unknown;
  readonly allowed: unknown;

  constructor(path: string, message: string, value: unknown, allowed?: unknown) {
    super(message);
    this.name = 'TapError';
    this.path = path;
    this.value = value;
    this.allowed = allowed;
  }
}

export type TermChoice = Choice & { weight: Weight };
