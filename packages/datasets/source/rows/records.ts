import { basename } from 'node:path';
import { delimitedRows, type Dialect } from './delimited.ts';
import { jsonLines } from './json-lines.ts';
import { parquetRecords } from './parquet-records.ts';
import { NoColumn, type RowFault, type RowFile, type RowRecord } from './row-file.ts';
import { type Encoding, textStream } from './text-stream.ts';
import { writtenValue } from './written-value.ts';

const maximumRows = 50_000_000;

/**
 * Yields the rows of a file and those that cannot be read, all of each chunk together: of a Parquet file if its name
 * ends in .parquet, of a JSON Lines file if it ends in .jsonl or .ndjson, else of a delimited one. The names of the latter may
 * end in .gz in addition.
 *
 * @param choose the names of the columns to read, of all names
 * @throws NoColumn; RangeError beyond the limit of rows, and for a first row that names no columns; the errors of reading
 *   the file
 */
export async function* recordsOf(
  file: RowFile,
  choose: (header: string[]) => readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<(RowRecord | RowFault)[]> {
  let rows = 0;
  const read = readerOf(file.path);
  for await (const batch of read(file, choose)) {
    signal?.throwIfAborted();
    rows += batch.length;
    if (rows > maximumRows) throw new RangeError(`more than ${maximumRows} rows`);
    yield batch;
  }
}

function readerOf(path: string) {
  if (/\.parquet$/i.test(path)) return parquetRecords;
  return /\.(jsonl|ndjson)(\.gz)?$/i.test(path) ? jsonRecords : delimitedRecords;
}

async function* delimitedRecords(
  file: RowFile,
  choose: (header: string[]) => readonly string[],
): AsyncGenerator<(RowRecord | RowFault)[]> {
  const { path, encoding } = file;
  const nameOf = (line: number) => `${basename(path)}, line ${line}`;
  let header: { fields: number; places: number[] } | undefined;
  for await (const rows of delimitedRows(textStream(path, encoding), dialectOf(file))) {
    const records: (RowRecord | RowFault)[] = [];
    for (const row of rows) {
      const name = nameOf(row.line);
      if ('fault' in row) {
        if (header === undefined) throw new RangeError(`${name} ${row.fault}`);
        records.push({ name, reason: row.fault });
        continue;
      }
      if (header === undefined) {
        const names = Array.from({ length: row.fields }, (_, index) =>
          file.header ? (row.text(index)?.trim() ?? '\ufffd') : String(index + 1),
        );
        const places = choose(names).map((column) => {
          const index = names.indexOf(column);
          if (index < 0) throw new NoColumn(path, column, names);
          return index;
        });
        header = { fields: names.length, places };
        if (file.header) continue;
      }
      if (row.fields !== header.fields) {
        records.push({ name, reason: `has ${row.fields} fields, but the first row has ${header.fields}` });
        continue;
      }
      const values = header.places.map((place) => row.text(place));
      if (values.every((value) => isWhole(value, encoding)))
        records.push({ name, values: values as string[] });
      else records.push(misread(name, encoding));
    }
    yield records;
  }
  if (header === undefined)
    throw new RangeError(`${basename(path)} is empty; its first row must name the columns`);
}

async function* jsonRecords(
  file: RowFile,
  choose: (header: string[]) => readonly string[],
): AsyncGenerator<(RowRecord | RowFault)[]> {
  const { path, encoding } = file;
  let columns: { keys: string[]; chosen: readonly string[]; seen: Set<string> } | undefined;
  for await (const rows of jsonLines(textStream(path, encoding))) {
    const records: (RowRecord | RowFault)[] = [];
    for (const row of rows) {
      const name = `${basename(path)}, line ${row.line}`;
      if ('fault' in row) {
        records.push(row.misread ? misread(name, encoding) : { name, reason: row.fault });
        continue;
      }
      const { value } = row;
      if (columns === undefined) {
        const keys = Object.keys(value);
        columns = { keys, chosen: choose(keys), seen: new Set() };
      }
      const { chosen, seen } = columns;
      if (seen.size < chosen.length) for (const key of chosen) if (Object.hasOwn(value, key)) seen.add(key);
      const values = chosen.map((key) => (Object.hasOwn(value, key) ? writtenValue(value[key]) : ''));
      const odd = values.indexOf(undefined);
      if (odd >= 0)
        records.push({ name, reason: `the field ${JSON.stringify(chosen[odd])} is a list or an object` });
      else if (values.every((one) => isWhole(one, encoding)))
        records.push({ name, values: values as string[] });
      else records.push(misread(name, encoding));
    }
    yield records;
  }
  if (columns === undefined) throw new RangeError(`${basename(path)} holds no JSON object`);
  for (const column of columns.chosen)
    if (!columns.seen.has(column)) throw new NoColumn(path, column, columns.keys);
}

/** Whether the bytes of a field were in the encoding. Other encodings than UTF-8 have no U+FFFD of their own. */
function isWhole(value: string | undefined, encoding: Encoding): boolean {
  return value !== undefined && (encoding === 'utf-8' || !value.includes('\ufffd'));
}

function misread(name: string, encoding: Encoding): RowFault {
  return { name, reason: `is not in the encoding ${encoding}`, cause: 'encoding' };
}

function dialectOf({ path, delimiter, quote, escape }: RowFile): Dialect {
  const isTabbed = /\.(tsv|tab)(\.gz)?$/i.test(path);
  const signs = { delimiter: delimiter ?? (isTabbed ? '\t' : ','), quote: quote ?? (isTabbed ? '' : '"') };
  return { ...signs, escape: escape ?? signs.quote };
}
