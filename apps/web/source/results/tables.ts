import { number, signed } from '../format/numbers.ts';
import { type Measure, meanOf, measures, measureTitle, sdOf } from './columns.ts';
import type { PlainTable } from './export.ts';
import type { ResultRow } from './rows.ts';

/** The results of a job with all measures and digits, for programs: one row for each network. */
export function exactTable(rows: readonly ResultRow[]): PlainTable {
  const withSd = measures.filter(({ value }) => rows.some((row) => sdOf(value(row)) !== null));
  return {
    titles: [
      'network',
      'role',
      'control',
      'architecture',
      'terms',
      'seeds',
      ...measures.flatMap((measure) =>
        withSd.includes(measure) ? [measure.name, `${measure.name}_sd`] : [measure.name],
      ),
    ],
    rows: rows.map((row) => [
      row.name,
      row.network.role,
      row.control,
      row.architecture,
      row.terms,
      row.seeds.length,
      ...measures.flatMap((measure) => {
        const value = measure.value(row);
        return withSd.includes(measure) ? [meanOf(value), sdOf(value)] : [meanOf(value)];
      }),
    ]),
  };
}

/** The results of a job as the page shows them, for people. */
export function readableTable(rows: readonly ResultRow[], shown: readonly Measure[]): PlainTable {
  return {
    titles: ['Network', 'Terms', ...shown.map(measureTitle)],
    rows: rows.map((row) => [
      row.name,
      row.terms || row.architecture,
      ...shown.map((measure) => valueText(measure, row)),
    ]),
  };
}

/** A value with its deviation: `92.31 ± 0.11`. */
function valueText(measure: Measure, row: ResultRow): string {
  const value = measure.value(row);
  const sd = sdOf(value);
  return `${meanText(measure, row)}${sd === null ? '' : ` ± ${number(sd * measure.factor, measure.decimals)}`}`;
}

/** A value without its deviation: `+0.93`. */
export function meanText(measure: Measure, row: ResultRow): string {
  const mean = meanOf(measure.value(row));
  if (mean === null) return number(null);
  if (measure.name === 'above') return `${mean}/${row.gains.length}`;
  return (measure.signed ? signed : number)(mean * measure.factor, measure.decimals);
}
