import type { Forward, NetworkPlan } from '@distillery/engine';
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
  /** Present in one that is trained before the student, on the teacher alone, and then stays as it is. */
  pretraining?: Pretraining;
}

/** The training of an autoencoder: what it makes of a teacher's tap is to be the tap, in the mean square. */
export interface Pretraining {
  /** Of the teacher. */
  tap: string;
  /** The whole of it; among its parameters are those of the auxiliary network, by the same names. */
  forward: Forward;
  epochs: number;
}

/** What a term sees of one batch. Teacher tensors are constants. */
export interface TermBatch {
  /** By tap name, `[batch, …]`. */
  student: Record<string, Tensor>;
  teacher: Record<string, Tensor>;
  /** `[batch]`, int32. */
  labels: Tensor1D;
  /** Which images of the training split they are, `[batch]`, int32. */
  indices: Tensor1D;
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
  /** What else it reads of the batch (`labels`); absent in a term that reads nothing else. */
  reads?: (keyof TermBatch)[];
  /** True when it compares the two, so that loss(teacher, teacher) must be 0. */
  matching: boolean;
  auxiliary: Record<string, Auxiliary>;
  /** The unweighted loss, a scalar. */
  loss(batch: TermBatch): Tensor;
}

/** A network as a term may look at all of it. */
export interface Subject {
  forward: Forward;
  plan: NetworkPlan;
}

/** What a term makes of a student's network. */
interface Extension<Options> {
  forward: Forward;
  /** Frozen parameters of it, and those of the teacher whose weights they get. */
  inherited: Record<string, string>;
  /** The options with what they left open: the term is bound with these. */
  options: Options;
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
   * Makes the student's network another one, before any term is bound: what is planned, trained, scored and shipped is
   * that. Absent in terms that leave it alone.
   *
   * @throws TapError when the two networks do not fit
   */
  extend?(options: z.output<Options>, student: Subject, teacher: Subject): Extension<z.output<Options>>;
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
