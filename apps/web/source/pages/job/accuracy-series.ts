import type { Curve } from '@distillery/spec';
import { meanOfSeeds, type Run, valueAt } from '../../charts/seeds.ts';
import type { Series } from '../../charts/series.ts';
import { smoothed } from '../../charts/smooth.ts';
import { curveOf, type JobNetworks } from './job-networks.ts';

/** What the main chart of a job shows. */
export type Shown = 'accuracy' | 'loss' | 'gain';

export interface SeriesOptions {
  shown: Shown;
  /** How much of the past the average keeps, 0 to 1. */
  smoothing: number;
  /** Thin lines for single seeds. */
  seeds: boolean;
  hidden: readonly string[];
}

/** The names of the curves behind each choice, by what x they are drawn over. */
const sources = {
  accuracy: { curve: 'validation_accuracy', factor: 100 },
  gain: { curve: 'validation_accuracy', factor: 100 },
  loss: { curve: 'epoch_loss', factor: 1 },
} as const;

/** One line for each network of a job: the mean of its seeds, with their deviation. */
export function jobSeries(curves: readonly Curve[], networks: JobNetworks, options: SeriesOptions): Series[] {
  const { shown, smoothing, seeds, hidden } = options;
  const { curve: name, factor } = sources[shown];
  const runsOf = (student: string): Run[] =>
    networks.stagesOf(student).flatMap((stage) => {
      const curve = curveOf(curves, stage, student, name);
      return curve === undefined ? [] : [toRun(curve, factor)];
    });
  const students = networks.students.filter((student) => !hidden.includes(student));
  const lines = students.flatMap((student): Series[] => {
    const own = runsOf(student);
    const control = networks.controlOf(student);
    if (shown === 'gain' && control === undefined) return [];
    const runs = shown === 'gain' && control !== undefined ? differences(own, runsOf(control)) : own;
    return runs.length === 0 ? [] : [lineOf(student, runs)];
  });
  const teachers = shown === 'accuracy' ? networks.teachers.flatMap((teacher) => teacherLine(teacher)) : [];
  return [...teachers, ...lines];

  function lineOf(student: string, runs: readonly Run[]): Series {
    const { x, mean, sd } = meanOfSeeds(runs);
    const y = smoothed(mean, smoothing);
    return {
      name: student,
      network: networks.roleOf(student),
      x,
      y,
      ...(smoothing === 0 && { sd }),
      ...(seeds && runs.length > 1
        ? { behind: runs, behindClass: 'seed' as const }
        : smoothing > 0 && { behind: [{ x, y: mean }], behindClass: 'raw' as const }),
    };
  }

  /** A teacher that is trained is a level line at its best epoch, which is the one that teaches. */
  function teacherLine(teacher: string): Series[] {
    const stage = teacher === 'teacher' ? 'teacher' : `teacher.${teacher}`;
    const curve = curves.find((one) => one.stage === stage && one.name === name);
    const run = curve && toRun(curve, factor);
    const last = Math.max(...students.flatMap(runsOf).map(({ x }) => x.at(-1) ?? 0));
    if (run === undefined) return [];
    const best = Math.max(...run.y.filter((value) => value !== null));
    if (!Number.isFinite(best)) return [];
    const network = networks.roleOf(teacher);
    if (!Number.isFinite(last) || last === 0) return [{ name: teacher, network, x: run.x, y: run.y }];
    return [
      { name: teacher, label: `${teacher} ${best.toFixed(2)}`, network, x: [1], y: [best], level: true },
    ];
  }
}

function toRun({ epoch, value }: Curve, factor: number): Run {
  return { x: epoch, y: value.map((one) => (one === null ? null : one * factor)) };
}

/** What each seed gained over the control with the same place among the seeds, at the epochs that both have. */
function differences(runs: readonly Run[], controls: readonly Run[]): Run[] {
  return runs.flatMap((run, index) => {
    const control = controls[index];
    if (control === undefined) return [];
    const y = run.x.map((x, at) => {
      const [own, other] = [run.y[at], valueAt(control, x)];
      return own === null || other === null ? null : own - other;
    });
    return [{ x: run.x, y }];
  });
}
