import { gradientsOf, type NetworkPlan, type Tensors } from '@distillery/engine';
import { DistilleryError, type Scheduled, type TermResult, valueAt, weightRange } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { bindMethod, labelsAlone, type Pass, termLoss, type WeightedTerm } from './method.ts';
import { type Network, trainable } from './network.ts';
import { asMember } from './peers.ts';
import { withoutPrefix } from './prefixes.ts';
import { runTaps } from './taps.ts';

/** A method before its first step, with the batch that the step will take. */
interface PreflightRun {
  network: Network;
  method: readonly WeightedTerm[];
  auxiliaries: Record<string, Network>;
  /** What the optimizer will move: the network's variables, then `<term>.<auxiliary>/<parameter>`. */
  trained: Record<string, tf.Variable>;
  /** `[batch, …shape]` */
  images: tf.Tensor;
  labels: tf.Tensor1D;
  indices: tf.Tensor1D;
  /** The teacher's stored taps, `[batch, …]`. */
  teacher: Tensors;
  /** The teacher's parameters that the method reads. */
  teacherParameters?: Tensors;
  classes: number;
  /** What the names of networks that train side by side begin with; one empty name where there is one. */
  members?: readonly string[];
  pass: Pass;
  warn(message: string): void;
}

/** A term's loss on the batch, and its gradient. */
interface Slope {
  loss: number;
  /** L2 norm by the network's parameters; auxiliary networks are left out. */
  norm: number;
  /** Parameters that the loss depends on, and whether their gradient is all zero. */
  zero: Map<string, boolean>;
}

/**
 * Proves a method sane on the first batch, at the price of a backward pass for each term, and measures it: each term's
 * gradient beside that of cross-entropy. Nothing is changed: no weight moves, no running statistic, and random streams
 * are functions of their keys.
 *
 * @returns a result for each term, in the method's order, in which `auto` stands with its number
 * @throws DistilleryError `preflight_failed`, naming the term or the parameter: a loss or gradient that is no number, a
 *   matching term that is not 0 between the teacher and itself, a parameter that takes no part, a weight that cannot be
 *   found
 */
export function preflight(run: PreflightRun): TermResult[] {
  const references = new Map(
    (run.members ?? ['']).map((member) => [member, slopeOf(labelsOf(member, run.network.plan), run).norm]),
  );
  const slopes = run.method.map((term) => {
    const slope = slopeOf(term, run);
    checkAgainstItself(term, run, slope.loss);
    return slope;
  });
  checkParameters(run, slopes);
  return run.method.map(({ name, member = '', weight }, index) => {
    const { norm } = slopes[index];
    const reference = references.get(member) as number;
    const suggestedWeight = norm > 0 ? reference / norm : null;
    return {
      name,
      weight: weight === 'auto' ? found(name, suggestedWeight) : weight,
      gradientNorm: norm,
      suggestedWeight,
    };
  });
}

/** A member's plain cross-entropy. */
function labelsOf(member: string, { taps }: NetworkPlan): WeightedTerm {
  const own = { taps: withoutPrefix(member, taps), parameters: [] };
  const [term] = bindMethod(labelsAlone, own, own);
  return member === '' ? term : asMember(term, member);
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

function slopeOf(term: WeightedTerm, run: PreflightRun): Slope {
  const { network, images, labels, pass, trained } = run;
  const statistics: tf.Tensor[] = [];
  const { value, gradients } = gradientsOf(
    () => {
      const student = runTaps(network, { images, labels }, { ...pass, taps: term.bound.student });
      const loss = lossOf(term, run, student.taps);
      statistics.push(...Object.values(student.statistics), ...loss.statistics);
      return loss.value as tf.Scalar;
    },
    trained,
    { partial: true },
  );
  try {
    const [loss] = value.dataSync();
    if (!Number.isFinite(loss)) throw failure(`${term.name} is ${loss} on the first batch`);
    const own = trainable(network);
    let squares = 0;
    const zero = new Map<string, boolean>();
    for (const [parameter, gradient] of Object.entries(gradients)) {
      const sum = sumOfSquares(gradient.dataSync() as Float32Array);
      if (!Number.isFinite(sum)) {
        throw failure(`the gradient of ${term.name} by ${parameter} is not finite on the first batch`);
      }
      zero.set(parameter, sum === 0);
      if (Object.hasOwn(own, parameter)) squares += sum;
    }
    return { loss, norm: Math.sqrt(squares), zero };
  } finally {
    tf.dispose([value, gradients, statistics]);
  }
}

/** In float64, in which no float32's square overflows or vanishes. */
function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

function lossOf(term: WeightedTerm, run: PreflightRun, student: Tensors) {
  const { auxiliaries, teacher, labels, indices, classes, pass } = run;
  const batch = {
    student,
    teacher,
    labels,
    indices,
    classes,
    at: (option: Scheduled) => valueAt(option, 0),
    studentParameters: run.network.variables,
    teacherParameters: run.teacherParameters ?? {},
  };
  const { value, statistics } = termLoss(term, auxiliaries, batch, pass);
  return { value, statistics: Object.values(statistics) };
}

/**
 * What a matching term says of the teacher and itself is 0, up to rounding: 1e-4 of what it says of the student, or
 * 3e-6. Where the two sides' shapes differ the teacher cannot stand in for the student, and nothing is checked.
 */
function checkAgainstItself(term: WeightedTerm, run: PreflightRun, scale: number): void {
  const taps = term.bound.matching ? teacherAsStudent(term, run) : undefined;
  if (taps === undefined) return;
  const loss = tf.tidy(() => {
    const { value, statistics } = lossOf(term, run, taps);
    tf.dispose(statistics);
    return value.dataSync()[0];
  });
  // Written so that NaN fails too.
  if (Math.abs(loss) <= Math.max(1e-4 * Math.abs(scale), 3e-6)) return;
  throw failure(
    `${term.name} is ${loss} between the teacher and itself, where it must be 0 (between the student and the teacher: ${scale})`,
  );
}

/** The teacher's taps under the names of the student's; undefined where they do not fit. */
function teacherAsStudent({ bound }: WeightedTerm, { network, teacher }: PreflightRun): Tensors | undefined {
  if (bound.student.length === 0 || bound.student.length !== bound.teacher.length) return undefined;
  const taps: Tensors = {};
  for (const [index, name] of bound.student.entries()) {
    const tap = teacher[bound.teacher[index]];
    const fits = `${tap.shape.slice(1)}` === `${network.plan.taps[name]}`;
    // One tap of the student that is held against two of the teacher's cannot be both.
    if (!fits || (taps[name] ?? tap) !== tap) return undefined;
    taps[name] = tap;
  }
  return taps;
}

/** Each parameter must take part in some term; one that gets no gradient now may be dead, or asleep. */
function checkParameters({ method, trained, warn }: PreflightRun, slopes: readonly Slope[]): void {
  const names = Object.keys(trained);
  const idle = names.filter((name) => !slopes.some(({ zero }) => zero.has(name)));
  if (idle.length > 0) {
    const terms = method.map(({ name }) => name).join(', ');
    throw failure(
      `${some(idle)} would not be trained: no term depends on it (${terms}); add one that does, e.g. cross_entropy`,
    );
  }
  const still = names.filter((name) => slopes.every(({ zero }) => zero.get(name) !== false));
  if (still.length > 0) {
    warn(`no gradient reaches ${some(still)} on the first batch: its units may be dead`);
  }
}

/** At most three names, and how many more there are. */
function some(names: readonly string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function failure(message: string): DistilleryError {
  return new DistilleryError('preflight_failed', message);
}
