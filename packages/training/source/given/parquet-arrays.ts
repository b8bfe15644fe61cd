import { parquetThread } from '@distillery/datasets';
import type { GivenArray } from '@distillery/teachers';

/** The columns of a Parquet file of outputs: a row for each sample. */
const known = ['split', 'id', 'values', 'indices'];

/** A split while its rows come. */
interface Rows {
  values: number[];
  indices: number[];
  ids: number[];
  width: number | undefined;
  count: number;
}

/**
 * Reads a Parquet file of outputs: the lists `values`, for the largest few of each sample also `indices`, and optionally `id`, the
 * position of the sample in its split, and `split`, `train` or `test`. Without `split` all rows are training samples.
 *
 * @returns the arrays that an NPZ file would have
 * @throws RangeError for a file that cannot be read
 */
export async function parquetArrays(path: string): Promise<Map<string, GivenArray>> {
  const thread = parquetThread(path);
  const splits: Record<string, Rows> = {};
  try {
    const { columns, groups } = await thread.outline();
    if (!columns.includes('values')) {
      throw new RangeError(
        `has no column values with a list for each sample; its columns: ${columns.join(', ')}`,
      );
    }
    const wanted = known.filter((name) => columns.includes(name));
    let from = 0;
    for (const count of groups) {
      for (const row of count === 0 ? [] : await thread.rows(wanted, from, from + count))
        add(splits, row, from);
      from += count;
    }
  } finally {
    await thread.close();
  }
  return new Map(Object.entries(splits).flatMap(([split, rows]) => arraysOf(split, rows)));
}

function add(splits: Record<string, Rows>, row: Record<string, unknown>, at: number): void {
  const { split = 'train', id, values, indices } = row;
  if (split !== 'train' && split !== 'test') {
    throw new RangeError(`has the split ${JSON.stringify(split)}, expected train or test`);
  }
  const rows = (splits[split] ??= { values: [], indices: [], ids: [], width: undefined, count: 0 });
  const where = `the ${split} row ${rows.count}, in the row group that begins at row ${at}`;
  const list = numbersOf(values, 'values', where);
  rows.width ??= list.length;
  if (list.length !== rows.width) {
    throw new RangeError(`has ${list.length} values in ${where}, expected ${rows.width} as before`);
  }
  for (const value of list) rows.values.push(value);
  if (indices !== undefined && indices !== null) {
    const named = numbersOf(indices, 'indices', where);
    if (named.length !== list.length) {
      throw new RangeError(`has ${named.length} indices for ${list.length} values in ${where}`);
    }
    for (const index of named) rows.indices.push(index);
  }
  if (id !== undefined && id !== null) rows.ids.push(Number(id));
  rows.count++;
}

function numbersOf(value: unknown, column: string, where: string): number[] {
  const list =
    Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as ArrayLike<unknown>, Number) : [];
  if (list.length > 0 && !list.some(Number.isNaN)) return list;
  throw new RangeError(`has no list of numbers as ${column} in ${where}`);
}

function arraysOf(split: string, { values, indices, ids, width = 0 }: Rows): [string, GivenArray][] {
  const table = (data: number[]): GivenArray => ({ shape: [data.length / width, width], data });
  const arrays: [string, GivenArray][] =
    indices.length === 0
      ? [[split, table(values)]]
      : [
          [`${split}_values`, table(values)],
          [`${split}_indices`, table(indices)],
        ];
  return ids.length === 0 ? arrays : [...arrays, [`${split}_ids`, { shape: [ids.length], data: ids }]];
}
