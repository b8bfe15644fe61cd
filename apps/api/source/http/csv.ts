import type { MetricRow } from '@distillery/spec';

const fixed = ['stage', 'attempt', 'epoch', 'step', 'time'] as const;

/** RFC 4180: a header, then a line a row; a value that a row lacks, or that was not finite, is empty. */
export function metricsCsv(rows: readonly MetricRow[]): string {
  const names = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
  const lines = rows.map((row) => [
    ...fixed.map((field) => cell(row[field])),
    ...names.map((name) => cell(row.values[name] ?? '')),
  ]);
  return [[...fixed, ...names.map(cell)], ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
