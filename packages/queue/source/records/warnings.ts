import type { JobWarning, SkippedData } from '@distillery/spec';
import type { Fields } from './record.ts';

/** The warnings of a job's record, in the order of their first appearance; scripts/reports.ts writes them. */
export function warningsOf(fields: Fields): JobWarning[] {
  // Most jobs have none, and the record of a large job has tens of thousands of fields.
  if (fields.warnings === undefined) return [];
  return entries(fields, 'w:', /^(\d+) (\d+) (\d+) (\d+) \S+ (\S+) ([^]*)$/).map(
    ([, , count, time, attempt, stage, message]) => ({
      stage,
      attempt: Number(attempt),
      time: new Date(Number(time)).toISOString(),
      message,
      count: Number(count),
    }),
  );
}

/** The data sets of a job's record of which samples were skipped, in the order in which they were loaded. */
export function skippedDataOf(fields: Fields): SkippedData[] {
  if (fields.skippedData === undefined) return [];
  return entries(fields, 'd:', /^(\d+) (\S+) ([^]*)$/).map(([, , stage, text]) => ({
    stage,
    ...(JSON.parse(text) as Omit<SkippedData, 'stage'>),
  }));
}

/** The values of the fields that begin with `prefix`, each split by `form`, whose first group is the order. */
function entries(fields: Fields, prefix: string, form: RegExp): RegExpExecArray[] {
  return Object.entries(fields)
    .flatMap(([name, value]) => (name.startsWith(prefix) ? [form.exec(value)] : []))
    .filter((match) => match !== null)
    .sort(([, a], [, b]) => Number(a) - Number(b));
}
