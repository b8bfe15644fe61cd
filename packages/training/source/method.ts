import {
  bindTerm,
  type BoundTerm,
  type ParameterShapes,
  type Subject,
  TapError,
  type TapShapes,
  type TermChoice,
  terms,
} from '@distillery/methods';
import { type Choice, type Scheduled, schedulesOf, type Weight } from '@distillery/spec';
import { componentKinds } from './components/index.ts';
import type { BoundPlan } from './ensemble.ts';
import { tracedWithTaps } from './taps.ts';

/** A term of a student's method, bound to its networks. */
export interface WeightedTerm {
  /** Unique within the method: the type, with a number where a method has several terms of the type. */
  name: string;
  /**
   * Where the teacher's taps come from: another network that trains at the same time, or a component of the training,
   * chosen by its kind and options. Absent: they are those of the student's teachers.
   */
  source?: { peer: string } | { component: Choice };
  weight: Weight;
  /** The options that are schedules, by name; absent where none is. */
  schedules?: Record<string, Scheduled>;
  bound: BoundTerm;
}

/** The method of controls and teachers: cross-entropy alone. */
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

/** A student's network after the terms of its method have extended it. */
export interface Extended extends Subject {
  /** The method, with the options that terms filled in. */
  method: Choice[];
  /** The teacher's parameter for each frozen parameter that gets its weights. */
  inherited: Record<string, string>;
}

/** Whether a method has a term that extends the student's network. */
export function extendsStudent(method: readonly Choice[]): boolean {
  return method.some(({ type }) => terms.get(type).extend !== undefined);
}

/**
 * Lets the terms of a method extend a student's network.
 *
 * @param teacher absent when there is no teacher, or several
 * @throws MethodError when a term cannot extend the student
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
        throw new TapError(
          '',
          'takes over layers of a teacher, so the student must have exactly one',
          undefined,
        );
      const { forward, inherited, options } = term.extend(choice, extended, teacher);
      extended = {
        forward,
        plan: tracedWithTaps(forward, student.plan.inputShape),
        method: extended.method.with(index, options as Choice),
        inherited: { ...extended.inherited, ...inherited },
      };
    } catch (error) {
      if (error instanceof TapError) throw new MethodError(index, error);
      // Two terms that each replace the student's last layers.
      if (error instanceof RangeError)
        throw new MethodError(index, new TapError('', error.message, choice.type));
      throw error;
    }
  }
  return extended;
}

/**
 * Binds the terms of a method to a student and a teacher.
 *
 * @throws MethodError when a term's taps do not fit the two networks
 */
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
      const term = terms.get(choice.type);
      const component = term.component?.(choice);
      return {
        name: count === 1 ? choice.type : `${choice.type}_${count}`,
        ...(component && { source: { component: componentKinds.schema.parse(component) } }),
        weight: (choice as TermChoice).weight,
        schedules: schedulesOf(choice),
        bound: bindTerm(term, choice, sideOf(student), sideOf(teacher)),
      };
    } catch (error) {
      if (error instanceof TapError) throw new MethodError(index, error);
      throw error;
    }
  });
}

function sideOf({ taps, parameters }: BoundPlan): { taps: TapShapes; parameters: ParameterShapes } {
  const read = parameters.filter(({ trainable, frozen }) => trainable || frozen);
  return { taps, parameters: Object.fromEntries(read.map(({ name, shape }) => [name, shape])) };
}

/** The taps of a student's teachers that a method reads. */
export function teacherTaps(method: readonly WeightedTerm[]): string[] {
  const taught = method.filter(({ source }) => source === undefined);
  return [...new Set(taught.flatMap(({ bound }) => bound.teacher))].sort();
}
