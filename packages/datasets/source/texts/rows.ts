import { basename } from 'node:path';
import { delimitedRows, type Dialect } from './delimited.ts';
import { jsonLines } from './json-lines.ts';
import { type Encoding, textStream } from './text-stream.ts';

const maximumRows = 50_000_000;
const longestLabel = 256;

export interface Row {
  text: string;
  label: string;
}

/** How a file of texts is written. */
interface RowFormat {
  encoding: Encoding;
  /** Absent: a comma, and a tab in a file named .tsv or .tab. */
  delimiter?: string | undefined;
  /** Absent: the double quote, and none in a file named .tsv or .tab. */
  quote?: string | undefined;
  /** Absent: the quote. */
  escape?: string | undefined;
  /** Whether the first row names the columns; otherwise they are named by their numbers, from 1. */
  header: boolean;
  /** Labels that stand for a missing value. */
  missingLabels: readonly string[];
}

export interface RowFile extends RowFormat {
  path: string;
  /** The names of the columns. */
  columns: { text: string; label: string };
}

/** A row that is not a labelled text. */
export interface RowFault {
  /** The name of the file and the number of the line. */
  name: string;
  reason: string;
  /** Whether its bytes are not in the encoding, or it has a text and no label. */
  cause?: 'encoding' | 'unlabelled';
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
 * Yields the labelled texts of a file, those of each chunk together: of a JSON Lines file if its name ends in .jsonl or
 * .ndjson, else of a delimited one. The name may end in .gz in addition. Labels are trimmed and in Unicode's normal form C.
 *
 * @param refuse called for every row that is not a labelled text
 * @throws NoColumn; RangeError beyond the limit of rows, and for a first row that names no columns; the errors of reading
 *   the file
 */
export async function* rowsOf(
  file: RowFile,
  refuse: (fault: RowFault) => void,
  signal?: AbortSignal,
): AsyncGenerator<Row[]> {
  let rows = 0;
  const read = isJson(file.path) ? jsonRows : delimitedTexts;
  for await (const batch of read(file, refuse)) {
    signal?.throwIfAborted();
    rows += batch.length;
    if (rows > maximumRows) throw new RangeError(`more than ${maximumRows} rows`);
    yield batch;
  }
}

async function* delimitedTexts(file: RowFile, refuse: (fault: RowFault) => void): AsyncGenerator<Row[]> {
  const { path, columns, encoding } = file;
  const nameOf = (line: number) => `${basename(path)}, line ${line}`;
  const accept = labelledText(file);
  let header: { fields: number; text: number; label: number } | undefined;
  for await (const rows of delimitedRows(textStream(path, encoding), dialectOf(file))) {
    const texts: Row[] = [];
    for (const row of rows) {
      if ('fault' in row) {
        if (header === undefined) throw new RangeError(`${nameOf(row.line)} ${row.fault}`);
        refuse({ name: nameOf(row.line), reason: row.fault });
        continue;
      }
      if (header === undefined) {
        const names = Array.from({ length: row.fields }, (_, index) =>
          file.header ? (row.text(index)?.trim() ?? '\ufffd') : String(index + 1),
        );
        const place = (column: 'text' | 'label') => {
          const index = names.indexOf(columns[column]);
          if (index < 0) throw new NoColumn(path, column, columns[column], names);
          return index;
        };
        header = { fields: names.length, text: place('text'), label: place('label') };
        if (file.header) continue;
      }
      const found =
        row.fields === header.fields
          ? accept(row.text(header.text), row.text(header.label))
          : { reason: `has ${row.fields} fields, but the first row has ${header.fields}` };
      if ('text' in found) texts.push(found);
      else refuse({ name: nameOf(row.line), ...found });
    }
    yield texts;
  }
  if (header === undefined)
    throw new RangeError(`${basename(path)} is empty; its first row must name the columns`);
}

async function* jsonRows(file: RowFile, refuse: (fault: RowFault) => void): AsyncGenerator<Row[]> {
  const { path, columns, encoding } = file;
  const accept = labelledText(file);
  const seen = { text: false, label: false };
  let keys: string[] | undefined;
  for await (const rows of jsonLines(textStream(path, encoding))) {
    const texts: Row[] = [];
    for (const row of rows) {
      const name = `${basename(path)}, line ${row.line}`;
      if ('fault' in row) {
        refuse({ name, reason: row.fault, ...(row.misread && { cause: 'encoding' }) });
        continue;
      }
      const { value } = row;
      keys ??= Object.keys(value);
      for (const column of ['text', 'label'] as const) seen[column] ||= Object.hasOwn(value, columns[column]);
      const [text, label] = [written(value[columns.text]), written(value[columns.label])];
      const found =
        text === undefined || label === undefined
          ? { reason: 'the text or the label is a list or an object' }
          : accept(text, label);
      if ('text' in found) texts.push(found);
      else refuse({ name, ...found });
    }
    yield texts;
  }
  for (const column of ['text', 'label'] as const) {
    if (keys !== undefined && !seen[column]) throw new NoColumn(path, column, columns[column], keys);
  }
}

/** A value as it is written in JSON; a string without its quotes, and empty for none. Undefined for lists and objects. */
function written(value: unknown): string | undefined {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Returns a function that makes a row of a text and a label, or says what is wrong with them. */
function labelledText({ missingLabels, encoding }: RowFile) {
  const missing = new Set(missingLabels);
  return (text: string | undefined, label: string | undefined): Row | Omit<RowFault, 'name'> => {
    const lost = (field: string | undefined) =>
      field === undefined || (encoding !== 'utf-8' && field.includes('\ufffd'));
    if (lost(text) || lost(label)) return { reason: `is not in the encoding ${encoding}`, cause: 'encoding' };
    const name = label!.trim().normalize('NFC');
    if (text!.trim() === '') return { reason: 'the text is empty' };
    if (name === '') return { reason: 'the label is empty', cause: 'unlabelled' };
    if (missing.has(name))
      return { reason: `the label ${JSON.stringify(name)} stands for a missing value`, cause: 'unlabelled' };
    if (name.length > longestLabel) return { reason: `the label is longer than ${longestLabel} characters` };
    return { text: text!, label: name };
  };
}

function dialectOf({ path, delimiter, quote, escape }: RowFile): Dialect {
  const isTabbed = /\.(tsv|tab)(\.gz)?$/i.test(path);
  const signs = { delimiter: delimiter ?? (isTabbed ? '\t' : ','), quote: quote ?? (isTabbed ? '' : '"') };
  return { ...signs, escape: escape ?? signs.quote };
}

function isJson(path: string): boolean {
  return /\.(jsonl|ndjson)(\.gz)?$/i.test(path);
}
