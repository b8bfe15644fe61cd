import { type Scheduled, valueAt } from '@distillery/spec';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { terms } from '../index.ts';
import type { BoundTerm, ParameterShapes, TapShapes, TermBatch } from '../term.ts';

/** Helpers for tests of terms. */

export type Taps = Record<string, Tensor>;

export function shapesOf(taps: Taps): TapShapes {
  return Object.fromEntries(Object.entries(taps).map(([name, tap]) => [name, tap.shape.slice(1)]));
}

/** Binds a term to shapes, with its options parsed as the API parses them. */
export function bound(
  type: string,
  options: object,
  student: TapShapes,
  teacher: TapShapes,
  parameters: { student: ParameterShapes; teacher: ParameterShapes } = { student: {}, teacher: {} },
): BoundTerm {
  return terms.get(type).bind(terms.schema.parse({ type, ...options }), student, teacher, parameters);
}

interface Rest {
  labels?: Tensor1D;
  mixed?: TermBatch['mixed'];
  labelled?: TermBatch['labelled'];
  classWeights?: TermBatch['classWeights'];
  at?: (option: Scheduled) => number;
  auxiliary?: (name: string, x: Tensor) => Tensor;
}

/** Returns a term's loss as a function of one tap of the student. */
export function lossOf(type: string, options: object, tap: string, teacher: Taps, rest: Rest = {}) {
  const loss = lossOfTaps(type, options, [tap], teacher, rest);
  return (x: Tensor) => loss(x);
}

/** Returns a term's loss as a function of several taps of the student, in the order of `taps`. */
export function lossOfTaps(type: string, options: object, taps: string[], teacher: Taps, rest: Rest = {}) {
  return (...x: Tensor[]): Tensor => {
    const student = Object.fromEntries(taps.map((tap, i) => [tap, x[i]]));
    const term = bound(type, options, shapesOf(student), shapesOf(teacher));
    return term.loss({
      student,
      teacher,
      labels: rest.labels as Tensor1D,
      mixed: rest.mixed,
      labelled: rest.labelled,
      classWeights: rest.classWeights,
      indices: rest.labels as Tensor1D,
      classes: x[0].shape[x[0].rank - 1],
      at: rest.at ?? atStart,
      auxiliary: rest.auxiliary ?? unexpected,
    });
  };
}

/** Returns the value of a scheduled option before the first step. */
export function atStart(option: Scheduled): number {
  return valueAt(option, 0);
}

/** Returns the error that a call throws; fails if it throws none. */
export function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function unexpected(name: string): never {
  throw new Error(`the term requested an auxiliary network ${name}`);
}
