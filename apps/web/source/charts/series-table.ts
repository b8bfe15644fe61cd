import type { PlainTable } from '../results/export.ts';
import { valueAt } from './seeds.ts';
import type { Series } from './series.ts';

/** The values of lines as a table: one row for each x that any of them has. */
export function seriesTable(series: readonly Series[], xTitle: string): PlainTable {
  const xs = [...new Set(series.flatMap(({ x }) => x))].sort((a, b) => a - b);
  return {
    titles: [xTitle, ...series.map(({ label, name }) => label ?? name)],
    rows: xs.map((x) => [x, ...series.map((one) => valueAt(one, x))]),
  };
}
