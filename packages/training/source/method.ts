import { type NetworkPlan, type Precision, run } from '@distillery/engine';
import {
  type BoundTerm,
  type ParameterShapes,
  TapError,
  type TermBatch,
  type TermChoice,
  terms,
} from '@distillery/methods';
import type { Choice } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { createNetwork, type Network, type Values } from './network.ts';

/** A term of a student's method, bound to its networks. */
export interface WeightedTerm {
  /** Unique within the method: the type, numbered where it stands more than once. */
  name: string;
  weight: number;
  bound: BoundTerm;
}

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

/** @throws MethodError when a term's taps do not fit the two networks */
export function bindMethod(
  method: readonly Choice[],
  student: NetworkPlan,
  teacher: NetworkPlan,
): WeightedTerm[] {
  const seen = new Map<string, number>();
  return method.map((choice, index) => {
    const count = (seen.get(choice.type) ?? 0) + 1;
    seen.set(choice.type, count);
    try {
      return {
        name: count === 1 ? choice.type : `${choice.type}_${count}`,
        weight: (choice as TermChoice).weight,
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

function parameterShapes({ parameters }: NetworkPlan): ParameterShapes {
  return Object.fromEntries(parameters.filter((p) => p.trainable).map(({ name, shape }) => [name, shape]));
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
 */
export function createAuxiliaries(
  method: readonly WeightedTerm[],
  values: Values | number,
): Record<string, Network> {
  return Object.fromEntries(
    method.flatMap(({ name, bound }) =>
      Object.entries(bound.auxiliary).map(([part, { forward, inputShape }]) => {
        const full = `${name}.${part}`;
        return [
          full,
          createNetwork(forward, inputShape, typeof values === 'number' ? values : within(values, full)),
        ];
      }),
    ),
  );
}

function within(values: Values, prefix: string): Values {
  const start = `${prefix}/`;
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(start))
      .map(([name, value]) => [name.slice(start.length), value]),
  );
}

export interface MethodLoss {
  /** The weighted sum. */
  total: tf.Tensor;
  /** The unweighted terms, in the method's order. */
  terms: tf.Tensor[];
  /** BatchNorm statistics of auxiliary networks, `<term>.<auxiliary>/<parameter>`; kept. */
  statistics: Record<string, tf.Tensor>;
}

/** Sums a method's terms over one batch. */
export function methodLoss(
  method: readonly WeightedTerm[],
  auxiliaries: Record<string, Network>,
  batch: Omit<TermBatch, 'auxiliary'>,
  training: { seed: number; step: number },
  precision: Precision,
): MethodLoss {
  const statistics: Record<string, tf.Tensor> = {};
  const losses = method.map(({ name, bound }) =>
    bound.loss({
      ...batch,
      auxiliary: (part, x) => {
        const full = `${name}.${part}`;
        const { forward, variables } = auxiliaries[full];
        const result = run(forward, variables, x, { training, precision, taps: [] });
        for (const [key, value] of Object.entries(result.statistics)) statistics[`${full}/${key}`] = value;
        return result.output;
      },
    }),
  );
  const total = tf.addN(losses.map((loss, index) => tf.mul(loss, method[index].weight)));
  return { total, terms: losses, statistics };
}
