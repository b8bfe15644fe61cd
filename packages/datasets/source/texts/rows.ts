import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { type CsvError, parse } from 'csv-parse';

/** Characters of one row; a longer one is no labelled text. */
const maximumRow = 1 << 20;
const maximumRows = 20_000_000;

export interface Row {
  text: string;
  label: string;
}

export interface RowFile {
  path: string;
  /** Names of the columns. */
  columns: { text: string; label: string };
}

/** A column that the header does not have. */
export class NoColumn extends RangeError {
  readonly column: 'text' | 'label';
  /** What could be meant: of very many columns the first. */
  readonly header: string[];

  constructor(path: string, column: 'text' | 'label', name: string, header: string[]) {
    super(`${basename(path)} has no column ${JSON.stringify(name)}`);
    this.column = column;
    this.header = header.slice(0, 100).map((field) => field.slice(0, 100));
  }
}

/**
 * The labelled texts of a file, one row at a time: comma-separated, with fields in quotes where they need it (RFC 4180),
 * or, when its name ends in .tsv or .tab, separated by tabs and without quotes. The first row names the columns.
 *
 * @param refuse is told of every row that is none
 * @throws NoColumn, RangeError past the bound on rows, and what reading the file reports
 */
export async function* rowsOf(
  { path, columns }: RowFile,
  refuse: (name: string, reason: string) => void,
  signal?: AbortSignal,
): AsyncGenerator<Row> {
  const tabs = /\.(tsv|tab)$/i.test(path);
  const nameOf = (line: number) => `${basename(path)}, line ${line}`;
  const parser = parse({
    bom: true,
    delimiter: tabs ? '\t' : ',',
    quote: tabs ? null : '"',
    // A quote within a field is a sign like any other; texts are full of them.
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
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  // Its error reaches the loop through the parser.
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
  if (fields !== expected) return `has ${fields} fields, the header ${expected}`;
  if (text.trim() === '') return 'the text is empty';
  if (label === '') return 'the label is empty';
  return label.length > 256 ? 'the label is longer than 256 characters' : undefined;
}

function lineOf(error: CsvError | undefined): number {
  return typeof error?.lines === 'number' ? error.lines : 0;
}

/** csv-parse's codes in the words of the others. */
function plain(error: CsvError | undefined): string {
  switch (error?.code) {
    case 'CSV_MAX_RECORD_SIZE':
      return `is longer than ${maximumRow} characters, perhaps for a quote that is never closed`;
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is never closed';
    default:
      return error?.message ?? 'cannot be parsed';
  }
}
