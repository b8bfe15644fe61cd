import { basename } from 'node:path';
import type { CsvError } from 'csv-parse';
import { openRegularFile } from '../regular-file.ts';

/** The most characters of one row; longer rows are refused. */
const maximumRow = 1 << 20;
const maximumRows = 20_000_000;

export interface Row {
  text: string;
  label: string;
}

export interface RowFile {
  path: string;
  /** The names of the columns. */
  columns: { text: string; label: string };
}

/** A column that the header does not have. */
export class NoColumn extends RangeError {
  readonly column: 'text' | 'label';
  /** The names of the first 100 columns. */
  readonly header: string[];

  constructor(path: string, column: 'text' | 'label', name: string, header: string[]) {
    super(`${basename(path)} has no column ${JSON.stringify(name)}`);
    this.column = column;
    this.header = header.slice(0, 100).map((field) => field.slice(0, 100));
  }
}

/**
 * Yields the labelled texts of a file. Fields are separated by commas and may be quoted (RFC 4180); in a file whose name
 * ends in .tsv or .tab they are separated by tabs and not quoted. The first row names the columns.
 *
 * @param refuse called for every row that is not a labelled text
 * @throws NoColumn; RangeError beyond the limit of rows; the errors of reading the file
 */
export async function* rowsOf(
  { path, columns }: RowFile,
  refuse: (name: string, reason: string) => void,
  signal?: AbortSignal,
): AsyncGenerator<Row> {
  const tabs = /\.(tsv|tab)$/i.test(path);
  const nameOf = (line: number) => `${basename(path)}, line ${line}`;
  const { parse } = await import('csv-parse');
  const handle = await openRegularFile(path);
  const parser = parse({
    bom: true,
    delimiter: tabs ? '\t' : ',',
    quote: tabs ? null : '"',
    // Texts often contain quotes: within an unquoted field a quote is an ordinary character.
    relax_quotes: true,
    record_delimiter: ['\r\n', '\n'],
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: maximumRow,
    skip_records_with_error: true,
    on_skip: (error) => {
      refuse(nameOf(lineOf(error)), plain(error));
      return undefined;
    },
  });
  const file = handle.createReadStream({ highWaterMark: 1 << 20 });
  // The file's error reaches the loop through the parser.
  file.on('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let header: string[] | undefined;
  let rows = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      if (header === undefined) {
        header = record.map((name) => name.trim());
        for (const column of ['text', 'label'] as const) {
          if (!header.includes(columns[column])) throw new NoColumn(path, column, columns[column], header);
        }
        continue;
      }
      if (++rows > maximumRows) throw new RangeError(`more than ${maximumRows} rows`);
      if (rows % 1000 === 0) signal?.throwIfAborted();
      const text = record[header.indexOf(columns.text)] ?? '';
      const label = (record[header.indexOf(columns.label)] ?? '').trim();
      const reason = reasonAgainst(record.length, header.length, text, label);
      if (reason === undefined) yield { text, label };
      else refuse(nameOf(info.lines), reason);
    }
    if (header === undefined)
      throw new RangeError(`${basename(path)} is empty; its first row must name the columns`);
  } finally {
    file.destroy();
    parser.destroy();
  }
}

function reasonAgainst(fields: number, expected: number, text: string, label: string): string | undefined {
  if (fields !== expected) return `has ${fields} fields, but the header has ${expected}`;
  if (text.trim() === '') return 'the text is empty';
  if (label === '') return 'the label is empty';
  return label.length > 256 ? 'the label is longer than 256 characters' : undefined;
}

function lineOf(error: CsvError | undefined): number {
  return typeof error?.lines === 'number' ? error.lines : 0;
}

/** Describes an error of csv-parse. */
function plain(error: CsvError | undefined): string {
  switch (error?.code) {
    case 'CSV_MAX_RECORD_SIZE':
      return `is longer than ${maximumRow} characters, perhaps because a quote is not closed`;
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is not closed';
    default:
      return error?.message ?? 'cannot be parsed';
  }
}
