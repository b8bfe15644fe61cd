import type { NetworkResult, Report, Score, Spread } from '@distillery/spec';
import { spreadOf } from '@distillery/spec/spread';
import type { Network } from '../components/mark.tsx';
import { isControl, rolesOf } from './networks.ts';
import { architectureWords, methodWords } from './words.ts';

/** Which weights of a run count: those of the best epoch by validation, or of the last epoch. */
export type Chosen = 'best' | 'last';

/** A network of a report as tables and charts show it; accuracies and gains are shares of 1. */
export interface ResultRow {
  name: string;
  network: Network;
  /** The name of its control; null for a teacher, a control, and where there is none. */
  control: string | null;
  architecture: string;
  terms: string;
  seeds: number[];
  accuracy: Spread;
  /** The accuracy minus that of its control, for each seed that both have. */
  gains: number[];
  gain: Spread | null;
  gapClosed: Spread | null;
  agreement: Spread | null;
  divergence: Spread | null;
  calibrationError: Spread;
  testLoss: Spread;
  parameters: number;
  weightBytes: number;
  flops: number;
  /** The median over the seeds. */
  latencyMs: number;
  epoch: Spread;
  seconds: number;
  runs: readonly NetworkResult[];
}

/** The networks of a report: teachers first, then students in the order of the spec with their controls. */
export function rowsOf(report: Report, chosen: Chosen): ResultRow[] {
  const roles = rolesOf(
    report.students.map(({ name }) => name),
    report.teachers.map(({ name }) => name),
  );
  const teachers = report.teachers.map((teacher) =>
    rowOf({ name: teacher.name, runs: [teacher], terms: '', architecture: '', chosen, roles }),
  );
  const methods = report.students.filter(({ name }) => !isControl(name)).map(({ method }) => method);
  const students = report.students.map((student) => {
    const row = rowOf({
      name: student.name,
      runs: student.runs,
      terms: methodWords(student.method, student.runs, methods),
      architecture: architectureWords(student.architecture),
      chosen,
      roles,
    });
    const control = report.students.find(({ name }) => name === student.control);
    if (control === undefined) return row;
    const gains = gainsOver(student.runs, control.runs, chosen);
    return {
      ...row,
      control: control.name,
      gains,
      gain: gains.length === 0 ? null : spreadOf(gains),
      gapClosed: student.gapClosed?.[chosen] ?? null,
    };
  });
  return [...teachers, ...students];
}

function gainsOver(
  runs: readonly NetworkResult[],
  controls: readonly NetworkResult[],
  chosen: Chosen,
): number[] {
  return runs.flatMap((run) => {
    const same = controls.find(({ seed }) => seed === run.seed);
    return same === undefined ? [] : [run[chosen].testAccuracy - same[chosen].testAccuracy];
  });
}

function rowOf(given: {
  name: string;
  runs: readonly NetworkResult[];
  terms: string;
  architecture: string;
  chosen: Chosen;
  roles: ReadonlyMap<string, Network>;
}): ResultRow {
  const { name, runs, terms, architecture, chosen, roles } = given;
  const scores = runs.map((run) => run[chosen]);
  const over = (read: (score: Score) => number) => spreadOf(scores.map(read));
  const [first] = runs;
  return {
    name,
    network: roles.get(name) ?? { role: 'control' },
    control: null,
    architecture,
    terms,
    seeds: runs.map(({ seed }) => seed),
    accuracy: over(({ testAccuracy }) => testAccuracy),
    gains: [],
    gain: null,
    gapClosed: null,
    agreement: spreadOrNull(scores.map(({ agreement }) => agreement)),
    divergence: spreadOrNull(scores.map(({ teacherDivergence }) => teacherDivergence)),
    calibrationError: over(({ expectedCalibrationError }) => expectedCalibrationError),
    testLoss: over(({ testLoss }) => testLoss),
    parameters: first?.parameters ?? 0,
    weightBytes: first?.[chosen].weights.size ?? 0,
    flops: first?.flops ?? 0,
    latencyMs: median(runs.map(({ latencyMs }) => latencyMs)),
    epoch: over(({ epoch }) => epoch),
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    runs,
  };
}

function spreadOrNull(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : spreadOf(known);
}

function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = Math.floor(ascending.length / 2);
  if (ascending.length % 2 === 1) return ascending[middle];
  return ascending.length === 0 ? 0 : (ascending[middle - 1] + ascending[middle]) / 2;
}
