import { basename } from 'node:path';
import { openRegularFile } from '../regular-file.ts';
import { parquetThread } from './parquet-thread.ts';
import { NoColumn, type RowFault, type RowFile, type RowRecord } from './row-file.ts';
import { writtenValue } from './written-value.ts';

/** The most rows of a row group, which is held in memory as a whole. */
const maximumGroupRows = 10_000_000;

/**
 * Yields the rows of a Parquet file, those of each row group together. Columns of texts, numbers and truth values can be
 * chosen. Numbers of classes become their names where the file came from the package `datasets` of Hugging Face.
 *
 * @throws NoColumn; RangeError for a file that is damaged, or whose row groups are too large
 */
export async function* parquetRecords(
  { path }: RowFile,
  choose: (header: string[]) => readonly string[],
): AsyncGenerator<(RowRecord | RowFault)[]> {
  // A pipe must be refused before the thread waits for it.
  await (await openRegularFile(path)).close();
  const thread = parquetThread(path);
  try {
    const { header, groups, huggingFace } = await thread.outline();
    const columns = choose(header);
    for (const column of columns) if (!header.includes(column)) throw new NoColumn(path, column, header);
    const names = columns.map((column) => classNames(huggingFace, column));
    let rowStart = 0;
    for (const count of groups) {
      checkGroup(count);
      const rowEnd = rowStart + count;
      const objects = count === 0 ? [] : await thread.rows([...new Set(columns)], rowStart, rowEnd);
      checkGroup(count, objects.length);
      yield objects.map((object, index) => {
        const name = `${basename(path)}, row ${rowStart + index + 1}`;
        const values = columns.map((column, place) => {
          const value = writtenValue(object[column]);
          return value === undefined ? undefined : (names[place]?.[Number(value)] ?? value);
        });
        const odd = values.indexOf(undefined);
        if (odd < 0) return { name, values: values as string[] };
        return {
          name,
          reason: `the field ${JSON.stringify(columns[odd])} is no text, number or truth value`,
        };
      });
      rowStart = rowEnd;
    }
  } finally {
    await thread.close();
  }
}

/** @throws RangeError for a row group of an impossible size, or with other rows than it says */
export function checkGroup(count: number, read = count): void {
  if (!(count >= 0 && count <= maximumGroupRows))
    throw new RangeError(`a row group holds ${count} rows; expected at most ${maximumGroupRows}`);
  if (read !== count) throw new RangeError(`a row group holds ${read} of ${count} rows`);
}

/** The names of the classes of a column, as Hugging Face writes them. */
export function classNames(huggingFace: string | undefined, column: string): string[] | undefined {
  if (huggingFace === undefined) return undefined;
  try {
    const { info } = JSON.parse(huggingFace) as {
      info?: { features?: Record<string, { _type?: string; names?: unknown }> };
    };
    const feature = info?.features?.[column];
    const names: unknown = feature?._type === 'ClassLabel' ? feature.names : undefined;
    if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) return undefined;
    return names as string[];
  } catch {
    return undefined;
  }
}
