import { basename } from 'node:path';
import type { Encoding } from './text-stream.ts';

/** A file of rows, and how it is written. */
export interface RowFile {
  path: string;
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

/** The fields of a row, in the order of the columns that were chosen. */
export interface RowRecord {
  /** The name of the file and the number of the line. */
  name: string;
  values: string[];
}

/** A row that cannot be used. */
export interface RowFault {
  /** The name of the file and the number of the line. */
  name: string;
  reason: string;
  /** Whether its bytes are not in the encoding, or it is whole and has no label. */
  cause?: 'encoding' | 'unlabelled';
}

/** A column that a file does not have. */
export class NoColumn extends RangeError {
  readonly column: string;
  /** The names of the first 100 columns. */
  readonly header: string[];

  constructor(path: string, column: string, header: string[]) {
    super(`${basename(path)} has no column ${JSON.stringify(column)}`);
    this.column = column;
    this.header = header.slice(0, 100).map((field) => field.slice(0, 100));
  }
}
