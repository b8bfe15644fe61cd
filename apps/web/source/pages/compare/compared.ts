import type { JobView, Report } from '@distillery/spec';
import type { Network } from '../../components/mark.tsx';
import { type Chosen, type ResultRow, rowsOf } from '../../results/rows.ts';

/** A job of the comparison, with what could be loaded of it. */
export interface Compared {
  id: string;
  /** Its mark, by its place in the set. */
  network: Network;
  job: JobView;
  spec: unknown;
  /** Absent before the job has succeeded. */
  report: Report | undefined;
}

/** The name of a job; where several have the same, with the end of its id. */
export function jobName({ job, id }: Compared, all: readonly Compared[]): string {
  const name = job.name ?? id;
  return all.filter((other) => (other.job.name ?? other.id) === name).length > 1
    ? `${name} …${id.slice(-4)}`
    : name;
}

/** A network name with its row in each job; undefined where a job has no such network. */
export interface ComparedRow {
  name: string;
  rows: (ResultRow | undefined)[];
}

/** The networks of several reports side by side, in the order in which they first occur. */
export function comparedRows(reports: readonly (Report | undefined)[], chosen: Chosen): ComparedRow[] {
  const all = reports.map((report) => (report === undefined ? [] : rowsOf(report, chosen)));
  const names = [...new Set(all.flatMap((rows) => rows.map(({ name }) => name)))];
  return names.map((name) => ({ name, rows: all.map((rows) => rows.find((row) => row.name === name)) }));
}

/** How a network of another job relates to that of the first one. */
export type Difference =
  | { kind: 'missing' }
  /** The jobs share the trained networks, so there is nothing to compare. */
  | { kind: 'same' }
  /** The accuracy minus that of the first job; `clear` when it is above both deviations. */
  | { kind: 'difference'; value: number; clear: boolean };

export function differenceTo(base: ResultRow | undefined, row: ResultRow | undefined): Difference {
  if (base === undefined || row === undefined) return { kind: 'missing' };
  const digests = (one: ResultRow) =>
    one.runs.map(({ best, last }) => `${best.weights.digest} ${last.weights.digest}`).join();
  if (digests(base) === digests(row) && digests(base) !== '') return { kind: 'same' };
  const value = row.accuracy.mean - base.accuracy.mean;
  const sds = [base.accuracy.sd, row.accuracy.sd].map((sd) => sd ?? 0);
  return {
    kind: 'difference',
    value,
    clear: sds.every((sd) => sd > 0) && Math.abs(value) > Math.max(...sds),
  };
}
