import { labelReader } from '../rows/labels.ts';
import { recordsOf } from '../rows/records.ts';
import { type RowFault, type RowFile } from '../rows/row-file.ts';

/** A labelled row of numbers; NaN is a missing one. */
export interface NumericRow {
  label: string;
  values: Float64Array;
}

const maximumColumns = 100_000;
const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Returns a function that yields the labelled rows of numbers of a file.
 *
 * @param columns the names of the columns of numbers; absent: all but that of the label
 * @param missing what stands for a missing number, besides nothing
 * @param named receives the names of the columns when they are known
 */
export function numericRows(
  {
    columns,
    label,
    missing,
  }: { columns?: readonly string[] | undefined; label: string; missing: readonly string[] },
  named: (columns: readonly string[]) => void = () => {},
) {
  const absent = new Set(['', ...missing]);
  return async function* read(
    file: RowFile,
    refuse: (fault: RowFault) => void,
    signal?: AbortSignal,
  ): AsyncGenerator<NumericRow[]> {
    const labelOf = labelReader(file.missingLabels);
    let names: readonly string[] = [];
    const choose = (header: string[]) => {
      names = columns ?? header.filter((name) => name !== label);
      if (names.length === 0) throw new RangeError('has no column besides that of the label');
      if (names.length > maximumColumns) throw new RangeError(`has more than ${maximumColumns} columns`);
      named(names);
      return [...names, label];
    };
    for await (const records of recordsOf(file, choose, signal)) {
      const rows: NumericRow[] = [];
      for (const record of records) {
        if ('reason' in record) {
          refuse(record);
          continue;
        }
        const { name, values: fields } = record;
        const found = labelOf(fields[names.length]);
        const values = numbersOf(fields, names, absent);
        if (!('label' in found)) refuse({ name, ...found });
        else if (typeof values === 'string') refuse({ name, reason: values });
        else rows.push({ label: found.label, values });
      }
      yield rows;
    }
  };
}

/** Returns the numbers of a row, or what is wrong with them. */
function numbersOf(
  fields: readonly string[],
  names: readonly string[],
  absent: ReadonlySet<string>,
): Float64Array | string {
  const values = new Float64Array(names.length);
  for (const [index, name] of names.entries()) {
    const text = fields[index].trim();
    if (absent.has(text)) values[index] = Number.NaN;
    else if (number.test(text)) values[index] = Number(text);
    else if (/^true$/i.test(text)) values[index] = 1;
    else if (!/^false$/i.test(text))
      return `the column ${JSON.stringify(name)} holds ${JSON.stringify(text.slice(0, 40))}, which is no number; leave it out of "columns"`;
    if (!Number.isFinite(values[index]) && !absent.has(text))
      return `the number in ${JSON.stringify(name)} is too large`;
  }
  return values;
}
