import type { Spread } from '@distillery/spec';
import { seedsAbove } from './answer.ts';
import type { ResultRow } from './rows.ts';

/** A value that a table can show for each network. */
export interface Measure {
  name: string;
  title: string;
  /** The unit in the title; without one the number stands for itself. */
  unit?: string;
  decimals: number;
  /** What the value is multiplied with to be shown: 100 for shares in percent. */
  factor: number;
  /** A plus sign before what is above zero, for differences. */
  signed?: boolean;
  value: (row: ResultRow) => number | Spread | null;
}

/** Everything that a report tells of a network, in the order of the columns. */
export const measures: readonly Measure[] = [
  {
    name: 'accuracy',
    title: 'Accuracy',
    unit: '%',
    decimals: 2,
    factor: 100,
    value: ({ accuracy }) => accuracy,
  },
  {
    name: 'gain',
    title: 'Over control',
    unit: 'points',
    decimals: 2,
    factor: 100,
    signed: true,
    value: ({ gain }) => gain,
  },
  {
    name: 'above',
    title: 'Seeds above',
    decimals: 0,
    factor: 1,
    value: (row) => (row.gains.length === 0 ? null : seedsAbove(row).above),
  },
  {
    name: 'gap',
    title: 'Gap closed',
    unit: '%',
    decimals: 0,
    factor: 100,
    value: ({ gapClosed }) => gapClosed,
  },
  {
    name: 'agreement',
    title: 'Agreement',
    unit: '%',
    decimals: 1,
    factor: 100,
    value: ({ agreement }) => agreement,
  },
  { name: 'kl', title: 'KL', unit: 'nats', decimals: 3, factor: 1, value: ({ divergence }) => divergence },
  { name: 'ece', title: 'ECE', decimals: 3, factor: 1, value: ({ calibrationError }) => calibrationError },
  {
    name: 'loss',
    title: 'Test loss',
    unit: 'nats',
    decimals: 3,
    factor: 1,
    value: ({ testLoss }) => testLoss,
  },
  { name: 'epoch', title: 'Epoch', decimals: 1, factor: 1, value: ({ epoch }) => epoch },
  { name: 'parameters', title: 'Parameters', decimals: 0, factor: 1, value: ({ parameters }) => parameters },
  {
    name: 'size',
    title: 'Size',
    unit: 'MB',
    decimals: 2,
    factor: 1e-6,
    value: ({ weightBytes }) => weightBytes,
  },
  {
    name: 'flops',
    title: 'Operations',
    unit: 'MFLOPs',
    decimals: 1,
    factor: 1e-6,
    value: ({ flops }) => flops,
  },
  {
    name: 'latency',
    title: 'Latency',
    unit: 'ms',
    decimals: 2,
    factor: 1,
    value: ({ latencyMs }) => latencyMs,
  },
  { name: 'time', title: 'Training', unit: 's', decimals: 0, factor: 1, value: ({ seconds }) => seconds },
];

/** What is shown without being asked for, where it differs. The rest stands in the rows of the groups or on request. */
const usual = new Set(['accuracy', 'gain', 'above', 'gap', 'agreement', 'ece']);
/** What a table always shows. */
const always = new Set(['accuracy', 'gain']);

/**
 * The measures that a table shows: the usual ones in which the students differ, and those that were asked for.
 *
 * @param asked names of measures; null shows the usual ones
 */
export function shownMeasures(rows: readonly ResultRow[], asked: readonly string[] | null): Measure[] {
  const students = rows.filter(({ network }) => network.role === 'student');
  return measures.filter((measure) => {
    if (asked !== null) return asked.includes(measure.name);
    return (
      usual.has(measure.name) &&
      (always.has(measure.name) ? has(students, measure) : differs(students, measure))
    );
  });
}

const has = (rows: readonly ResultRow[], { value }: Measure) => rows.some((row) => value(row) !== null);

function differs(rows: readonly ResultRow[], { value }: Measure): boolean {
  const means = rows.map((row) => meanOf(value(row)));
  if (means.every((mean) => mean === null)) return false;
  return rows.length === 1 || means.some((mean) => mean !== means[0]);
}

/** The number of a value that may have a deviation. */
export function meanOf(value: number | Spread | null): number | null {
  return typeof value === 'object' && value !== null ? value.mean : value;
}

/** The deviation of a value; null without one. */
export const sdOf = (value: number | Spread | null): number | null =>
  typeof value === 'object' && value !== null ? value.sd : null;

/** The title with its unit: `Accuracy, %`. */
export const measureTitle = ({ title, unit }: Measure): string =>
  unit === undefined ? title : `${title}, ${unit}`;
