import { type Precision, run } from '@distillery/engine';
import {
  type BoundTerm,
  type ParameterShapes,
  type Subject,
  TapError,
  type TermBatch,
  type TermChoice,
  terms,
} from '@distillery/methods';
import { type Choice, type Scheduled, schedulesOf, type Weight } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { BoundPlan } from './ensemble.ts';
import { createNetwork, type Network, type Values } from './network.ts';
import { withoutPrefix } from './prefixes.ts';
import { tracedWithTaps } from './taps.ts';

/** A term of a student's method, bound to its networks. */
export interface WeightedTerm {
  /** Unique within the method: the type, numbered where it stands more than once. */
  name: string;
  /** What its network's names begin with, where several train side by side. */
  member?: string;
  weight: Weight;
  /** Its options that are schedules, by name; absent where none is. */
  schedules?: Record<string, Scheduled>;
  bound: BoundTerm;
}

/** How a control is trained, and a teacher. */
export const labelsAlone: Choice[] = [{ type: 'cross_entropy', weight: 1, labelSmoothing: 0 }];

/** A term that does not fit; `path` is a JSON pointer within the method. */
export class MethodError extends Error {
  readonly path: string;
  readonly value: unknown;
  readonly allowed: unknown;

  constructor(index: number, cause: TapError) {
    super(cause.message, { cause });
    this.name = 'MethodError';
    this.path = `/${index}${cause.path}`;
    this.value = cause.value;
    this.allowed = cause.allowed;
  }
}

/** A student's network as the terms of its method have made it. */
export interface Extended extends Subject {
  /** With what the terms filled in. */
  method: Choice[];
  /** Frozen parameters, and those of the teacher whose weights they get. */
  inherited: Record<string, string>;
}

/**
 * @param teacher absent where there is none, or several
 * @throws MethodError when a term cannot make of the student what it needs
 */
export function extendStudent(
  method: readonly Choice[],
  student: Subject,
  teacher: Subject | undefined,
): Extended {
  let extended: Extended = { ...student, method: [...method], inherited: {} };
  for (const [index, choice] of method.entries()) {
    const term = terms.get(choice.type);
    if (term.extend === undefined) continue;
    try {
      if (teacher === undefined)
        throw new TapError('', 'takes over from a teacher: there must be one alone', undefined);
      const { forward, inherited, options } = term.extend(choice, extended, teacher);
      extended = {
        forward,
        plan: tracedWithTaps(forward, student.plan.inputShape),
        method: extended.method.with(index, options as Choice),
        inherited: { ...extended.inherited, ...inherited },
      };
    } catch (error) {
      if (error instanceof TapError) throw new MethodError(index, error);
      // Two terms that each want to be the student's end.
      if (error instanceof RangeError)
        throw new MethodError(index, new TapError('', error.message, choice.type));
      throw error;
    }
  }
  return extended;
}

/** @throws MethodError when a term's taps do not fit the two networks */
export function bindMethod(
  method: readonly Choice[],
  student: BoundPlan,
  teacher: BoundPlan,
): WeightedTerm[] {
  const seen = new Map<string, number>();
  return method.map((choice, index) => {
    const count = (seen.get(choice.type) ?? 0) + 1;
    seen.set(choice.type, count);
    try {
      return {
        name: count === 1 ? choice.type : `${choice.type}_${count}`,
        weight: (choice as TermChoice).weight,
        schedules: schedulesOf(choice),
        bound: terms.get(choice.type).bind(choice, student.taps, teacher.taps, {
          student: parameterShapes(student),
          teacher: parameterShapes(teacher),
        }),
      };
    } catch (error) {
      if (error instanceof TapError) throw new MethodError(index, error);
      throw error;
    }
  });
}

function parameterShapes({ parameters }: BoundPlan): ParameterShapes {
  return Object.fromEntries(
    parameters.filter((p) => p.trainable || p.frozen).map(({ name, shape }) => [name, shape]),
  );
}

/** The student's taps that a method reads. */
export function studentTaps(method: readonly WeightedTerm[]): string[] {
  return [...new Set(method.flatMap(({ bound }) => bound.student))];
}

/** The teacher's taps that a method reads. */
export function teacherTaps(method: readonly WeightedTerm[]): string[] {
  return [...new Set(method.flatMap(({ bound }) => bound.teacher))].sort();
}

/**
 * The auxiliary networks of a method, `<term>.<auxiliary>` → network.
 *
 * @param values weights by `<term>.<auxiliary>/<parameter>`, or the seed of the first ones
 * @param pretrained weights of those that were trained before, likewise
 */
export function createAuxiliaries(
  method: readonly WeightedTerm[],
  values: Values | number,
  pretrained: Values = {},
): Record<string, Network> {
  return Object.fromEntries(
    method.flatMap(({ name, bound }) =>
      Object.entries(bound.auxiliary).map(([part, { forward, inputShape, pretraining }]) => {
        const full = `${name}.${part}`;
        const given = {
          ...(typeof values === 'number' ? {} : withoutPrefix(`${full}/`, values)),
          ...withoutPrefix(`${full}/`, pretrained),
        };
        const first = typeof values === 'number' && Object.keys(given).length === 0 ? values : given;
        return [full, createNetwork(forward, inputShape, first, pretraining !== undefined)];
      }),
    ),
  );
}

/** What a pass through the networks depends on beside its batch. */
export interface Pass {
  training: { seed: number; step: number };
  precision: Precision;
}

interface TermLoss {
  /** Unweighted, a scalar. */
  value: tf.Tensor;
  /** BatchNorm statistics of auxiliary networks, `<term>.<auxiliary>/<parameter>`; kept. */
  statistics: Record<string, tf.Tensor>;
}

/** A term over one batch. */
export function termLoss(
  { name, bound }: WeightedTerm,
  auxiliaries: Record<string, Network>,
  batch: Omit<TermBatch, 'auxiliary'>,
  pass: Pass,
): TermLoss {
  const statistics: Record<string, tf.Tensor> = {};
  const value = bound.loss({
    ...batch,
    auxiliary: (part, x) => {
      const full = `${name}.${part}`;
      const { forward, variables, frozen } = auxiliaries[full];
      const { training, precision } = pass;
      const result = run(forward, variables, x, { ...(frozen ? {} : { training }), precision, taps: [] });
      for (const [key, tensor] of Object.entries(result.statistics)) statistics[`${full}/${key}`] = tensor;
      return result.output;
    },
  });
  return { value, statistics };
}

export interface MethodLoss {
  /** The weighted sum. */
  total: tf.Tensor;
  /** The unweighted terms, in the method's order. */
  terms: tf.Tensor[];
  /** BatchNorm statistics of auxiliary networks, `<term>.<auxiliary>/<parameter>`; kept. */
  statistics: Record<string, tf.Tensor>;
}

/**
 * Sums a method's terms over one batch.
 *
 * @param weights of the terms now
 */
export function methodLoss(
  method: readonly WeightedTerm[],
  weights: readonly number[],
  auxiliaries: Record<string, Network>,
  batch: Omit<TermBatch, 'auxiliary'>,
  pass: Pass,
): MethodLoss {
  const losses = method.map((term) => termLoss(term, auxiliaries, batch, pass));
  return {
    total: tf.addN(losses.map(({ value }, index) => tf.mul(value, weights[index]))),
    terms: losses.map(({ value }) => value),
    statistics: Object.assign({}, ...losses.map(({ statistics }) => statistics)) as MethodLoss['statistics'],
  };
}
