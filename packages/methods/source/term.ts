import type { Forward, NetworkPlan } from '@distillery/engine';
import type { Choice, Kind, Scheduled, Weight } from '@distillery/spec';
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { z } from 'zod';

/** The shape of each tap by name, without the batch axis, in the order in which the network computes them. */
export type TapShapes = Record<string, number[]>;

/**
 * The shape of each trained parameter by name, in the network's order. Shapes are the engine's (a linear layer is
 * `[inputs, outputs]`), not those of the exported weights.
 */
export type ParameterShapes = Record<string, number[]>;

/** The names of two taps that a term compares. */
export interface TapPair {
  student: string;
  teacher: string;
}

/**
 * An auxiliary network of a term, such as a regressor or a projector. It is trained with the student and then dropped.
 */
export interface Auxiliary {
  forward: Forward;
  /** Without the batch axis. */
  inputShape: number[];
  /** Present when the network is trained before the student, on the teacher alone, and then frozen. */
  pretraining?: Pretraining;
}

/** How an auxiliary network is pretrained: as part of an autoencoder of a teacher's tap, by mean squared error. */
export interface Pretraining {
  /** The teacher's tap that the autoencoder reproduces. */
  tap: string;
  /** The complete autoencoder. Its parameters include those of the auxiliary network, under the same names. */
  forward: Forward;
  epochs: number;
}

/** One batch as a term reads it. Teacher tensors are constants: no gradient flows into them. */
export interface TermBatch {
  /** The student's taps by name, `[batch, …]`. */
  student: Record<string, Tensor>;
  /** The teacher's taps by name, `[batch, …]`. */
  teacher: Record<string, Tensor>;
  /** The class of each sample, `[batch]`, int32. */
  labels: Tensor1D;
  /**
   * Present where samples are mixed from two, by mixup or CutMix: the class of the second, `[batch]`, int32, and the share of
   * the first, `[batch]`. A term that reads labels must read it too; where it does not, jobs that mix samples are refused.
   */
  mixed?: { labels: Tensor1D; shares: Tensor1D } | undefined;
  /**
   * Present where some samples have no class, `[batch]`: 1 for those that have one, 0 for the others, whose entry in `labels` means
   * nothing. A term that reads labels must read it too; where it does not, jobs on such samples are refused.
   */
  labelled?: Tensor1D | undefined;
  /** The weight of each class, `[classes]`, where the classes are weighed: a mean over samples is then one by these weights. */
  classWeights?: Tensor1D | undefined;
  /** The position of each sample in the training split, `[batch]`, int32. */
  indices: Tensor1D;
  classes: number;
  /** Returns the current value of an option: a tensor where it follows a schedule, as it then changes from step to step. */
  at: (option: Scheduled) => number | Scalar;
  /** Applies the auxiliary network of that name. */
  auxiliary: (name: string, x: Tensor) => Tensor;
  /** The parameters that the bound term lists, by name. */
  studentParameters?: Record<string, Tensor>;
  teacherParameters?: Record<string, Tensor>;
}

/** A term bound to two networks: the taps it reads, the networks it trains, and its loss. */
export interface BoundTerm {
  /** The student's taps that the loss reads. */
  student: string[];
  /** The teacher's taps that the loss reads; empty for a term that needs no teacher. */
  teacher: string[];
  /** The student's parameters that the loss reads; absent if it reads none. */
  studentParameters?: string[];
  /** The teacher's parameters that the loss reads; absent if it reads none. */
  teacherParameters?: string[];
  /** Other fields of the batch that the loss reads, such as `labels`; absent if it reads none. */
  reads?: (keyof TermBatch)[];
  /** True if the loss of the teacher compared with itself must be 0. */
  matching: boolean;
  auxiliary: Record<string, Auxiliary>;
  /** The unweighted loss, a scalar. */
  loss(batch: TermBatch): Tensor;
}

/** A complete network, which `extend` may read and change. */
export interface Subject {
  forward: Forward;
  plan: NetworkPlan;
}

/** A student's network as a term changed it. */
interface Extension<Options> {
  forward: Forward;
  /** For each frozen parameter, the teacher's parameter whose values it copies. */
  inherited: Record<string, string>;
  /** The options with every default filled in. The term is bound with these. */
  options: Options;
}

/** A distillation term. Each term is one file and one line in `index.ts`. */
export interface Term<Options extends z.ZodObject = z.ZodObject> extends Kind {
  /** The options of every term include its `weight`. */
  readonly options: Options;
  /**
   * The loss in the notation of docs/methods.md: z are logits, f features, F maps, `_s` marks the student, `_t` the
   * teacher, B is the batch size, K the number of classes and T the temperature.
   */
  readonly formula: string;
  /**
   * Replaces the student's network before any term is bound. The new network is the one that is planned, trained,
   * evaluated and exported. Absent in terms that do not change the student.
   *
   * @throws TapError if the two networks do not fit together
   */
  extend?(options: z.output<Options>, student: Subject, teacher: Subject): Extension<z.output<Options>>;
  /**
   * Chooses the training component that is this term's teacher, such as a moving average of the student. Its taps are
   * computed in each step and have the shapes of the student's; none of its parameters can be read. Absent in terms that
   * learn from the job's teacher.
   */
  component?(options: z.output<Options>): Choice;
  /**
   * Binds the term to the taps and parameters of two networks. Callers use `bindTerm`.
   *
   * @throws TapError if a tap does not exist or the shapes do not fit together
   */
  bind(
    options: z.output<Options>,
    student: TapShapes,
    teacher: TapShapes,
    parameters: { student: ParameterShapes; teacher: ParameterShapes },
  ): BoundTerm;
}

/** Thrown when a term's options do not fit its networks. `path` is the JSON pointer of the option within the term. */
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
