import type { MetricRow } from '@distillery/spec';

const fixed = ['stage', 'attempt', 'epoch', 'step', 'time'] as const;

/** Writes CSV (RFC 4180): a header, then one line for each row. A value that is missing or not finite is empty. */
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
