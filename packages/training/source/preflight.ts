import { gradientsOf, type Tensors } from '@distillery/engine';
import { DistilleryError, type TermResult, weightRange } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceBatch } from './device-batch.ts';
import { label, type Member } from './member.ts';
import { bindMethod, labelsAlone } from './method.ts';
import { trainable } from './network.ts';
import { trainedBy } from './step.ts';
import { type MemberTerm, stepContext, type StepSetup, termLabel } from './step-context.ts';

/** The setup of a training before its first step. */
interface PreflightRun extends StepSetup {
  /** The terms of all members. */
  terms: readonly MemberTerm[];
  warn(message: string): void;
}

/** A term's loss on the batch, and its gradient. */
interface Slope {
  loss: number;
  /** The L2 norm of the gradient by the parameters of the member's network, without auxiliary networks. */
  norm: number;
  /** The parameters that the loss depends on, and whether their gradient is 0 everywhere. */
  zero: Map<string, boolean>;
}

const firstStep = { step: 0, epoch: 0 };

/**
 * Checks the methods on the first batch, with a backward pass for each term, and compares each term's gradient with that of
 * cross-entropy. It changes neither weights nor running statistics, and random streams depend only on their keys.
 *
 * @param batch the batch of the first step
 * @returns a result for each term, in their order, in which the weight `auto` is replaced by a number
 * @throws DistilleryError `preflight_failed`, naming the term or the parameter, when a loss or gradient is not finite, a
 *   matching term is not 0 between the teacher and itself, no term depends on a parameter, or `auto` has no solution
 */
export function preflight(run: PreflightRun, batch: DeviceBatch): TermResult[] {
  const references = new Map(run.members.map((member) => [member, labelsNorm(member, run, batch)]));
  const slopes = run.terms.map((term) => {
    const slope = slopeOf(term, run, batch);
    checkAgainstItself(term, run, batch, slope.loss);
    return slope;
  });
  checkParameters(run, slopes);
  return run.terms.map((one, index) => {
    const { name, weight } = one.term;
    const { norm } = slopes[index];
    const reference = references.get(one.member) ?? null;
    const suggestedWeight = norm > 0 && reference !== null ? reference / norm : null;
    return {
      name,
      weight: weight === 'auto' ? found(termLabel(one), suggestedWeight) : weight,
      gradientNorm: norm,
      suggestedWeight,
    };
  });
}

/** The row of metrics with the results of the preflight. */
export function gradientNorms(
  terms: readonly MemberTerm[],
  results: readonly TermResult[],
): Record<string, number> {
  return Object.fromEntries(
    terms.map((term, index) => [`gradient_norm_${termLabel(term)}`, results[index].gradientNorm]),
  );
}

/** The norm of the gradient of plain cross-entropy; null for a network that is not a classifier. */
function labelsNorm(member: Member, run: PreflightRun, batch: DeviceBatch): number | null {
  const { plan } = member.network;
  if (!('logits' in plan.taps)) return null;
  const [term] = bindMethod(labelsAlone, plan, plan);
  return slopeOf({ member, term }, run, batch).norm;
}

function found(name: string, weight: number | null): number {
  if (weight !== null && weight > 0 && weight <= weightRange.maximum) return weight;
  const why =
    weight === null
      ? `the gradient of ${name} is 0`
      : weight === 0
        ? 'the gradient of cross_entropy is 0'
        : `it would be ${weight}, more than ${weightRange.maximum}`;
  throw failure(`no weight "auto" can be found for ${name}: ${why} on the first batch; give a number`);
}

function slopeOf(one: MemberTerm, run: PreflightRun, batch: DeviceBatch): Slope {
  const { member } = one;
  const name = termLabel(one);
  const context = stepContext(run, [one], batch, firstStep);
  try {
    const { value, gradients } = gradientsOf(() => context.loss(one) as tf.Scalar, trainedBy([member]), {
      partial: true,
    });
    try {
      const [loss] = value.dataSync();
      if (!Number.isFinite(loss)) throw failure(`${name} is ${loss} on the first batch`);
      const own = new Set(
        Object.keys(trainable(member.network)).map((parameter) => label(member, parameter)),
      );
      let squares = 0;
      const zero = new Map<string, boolean>();
      for (const [parameter, gradient] of Object.entries(gradients)) {
        const sum = sumOfSquares(gradient.dataSync() as Float32Array);
        if (!Number.isFinite(sum)) {
          throw failure(`the gradient of ${name} by ${parameter} is not finite on the first batch`);
        }
        zero.set(parameter, sum === 0);
        if (own.has(parameter)) squares += sum;
      }
      return { loss, norm: Math.sqrt(squares), zero };
    } finally {
      tf.dispose([value, gradients]);
    }
  } finally {
    tf.dispose(context.statistics.map(({ value }) => value));
  }
}

/** Sums in float64, in which the square of a float32 neither overflows nor vanishes. */
function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

/**
 * Checks that the loss of a matching term between the teacher and itself is 0, up to rounding: 1e-4 of its loss between the
 * student and the teacher, or 3e-6. It checks nothing when the shapes of the two differ.
 */
function checkAgainstItself(one: MemberTerm, run: PreflightRun, batch: DeviceBatch, scale: number): void {
  if (!one.term.bound.matching) return;
  const loss = tf.tidy(() => {
    const context = stepContext(run, [one], batch, firstStep);
    const taps = teacherAsStudent(one, context.teacherTaps(one));
    const [value] = taps === undefined ? [0] : context.loss(one, taps).dataSync();
    tf.dispose(context.statistics.map((statistic) => statistic.value));
    return value;
  });
  // Written so that NaN fails too.
  if (Math.abs(loss) <= Math.max(1e-4 * Math.abs(scale), 3e-6)) return;
  throw failure(
    `${termLabel(one)} is ${loss} between the teacher and itself, where it must be 0 (between the student and the teacher: ${scale})`,
  );
}

/** The teacher's taps under the student's names; undefined when their shapes differ. */
function teacherAsStudent({ member, term: { bound } }: MemberTerm, teacher: Tensors): Tensors | undefined {
  if (bound.student.length === 0 || bound.student.length !== bound.teacher.length) return undefined;
  const taps: Tensors = {};
  for (const [index, name] of bound.student.entries()) {
    const tap = teacher[bound.teacher[index]];
    const fits = `${tap.shape.slice(1)}` === `${member.network.plan.taps[name]}`;
    // A student tap that is compared with two teacher taps cannot equal both.
    if (!fits || (taps[name] ?? tap) !== tap) return undefined;
    taps[name] = tap;
  }
  return taps;
}

/** Checks that some term depends on each parameter, and warns of parameters whose gradient is 0 on the first batch. */
function checkParameters({ members, terms, warn }: PreflightRun, slopes: readonly Slope[]): void {
  const names = Object.keys(trainedBy(members));
  const idle = names.filter((name) => !slopes.some(({ zero }) => zero.has(name)));
  if (idle.length > 0) {
    throw failure(
      `${some(idle)} would not be trained: no term depends on it (${terms.map(termLabel).join(', ')}); add one that does, e.g. cross_entropy`,
    );
  }
  const still = names.filter((name) => slopes.every(({ zero }) => zero.get(name) !== false));
  if (still.length > 0) {
    warn(`no gradient reaches ${some(still)} on the first batch: its units may be dead`);
  }
}

/** Lists at most three names, and the number of the others. */
function some(names: readonly string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function failure(message: string): DistilleryError {
  return new DistilleryError('preflight_failed', message);
}
