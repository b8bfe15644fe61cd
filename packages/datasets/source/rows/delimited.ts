import { isUtf8 } from 'node:buffer';

/** The signs of a table. Each is ASCII, except that the delimiter may be any text. */
export interface Dialect {
  /** Separates fields; empty: a line is one field. */
  delimiter: string;
  /** Encloses fields that contain delimiters or line ends; empty: no field is quoted. */
  quote: string;
  /** Precedes a quote within a quoted field. A doubled quote always stands for one. */
  escape: string;
}

/** A row of a table, valid until the next chunk is asked for. */
export interface DelimitedRow {
  /** The number of the row's first line, from 1. */
  line: number;
  fields: number;
  /** The text of a field; undefined when its bytes are not UTF-8. */
  text(field: number): string | undefined;
}

/** A part of a table that is no row. */
export interface Fault {
  line: number;
  fault: string;
  /** Whether its bytes are not UTF-8. */
  misread?: true;
}

/** The most bytes of one row. */
export const maximumRow = 1 << 20;

const [lineFeed, carriageReturn, space, backslash] = [10, 13, 32, 92];

/**
 * Yields the rows of a table, those of each chunk together, and what cannot be read as a row. Empty lines are skipped.
 *
 * Quoting follows RFC 4180; a quote inside of an unquoted field is an ordinary character. A fault never takes other rows
 * with it: after a quote that is not closed within the longest row, or after which neither a delimiter nor a line end
 * follows, reading goes on with the line after the one that holds the opening quote. Every byte belongs to a row or to a
 * fault. Memory is bounded by a chunk and a row.
 *
 * @param chunks UTF-8
 */
export async function* delimitedRows(
  chunks: AsyncIterable<Buffer>,
  dialect: Dialect,
): AsyncGenerator<(DelimitedRow | Fault)[]> {
  const scanner = new Scanner(dialect);
  for await (const chunk of chunks) yield scanner.take(chunk, false);
  yield scanner.take(Buffer.alloc(0), true);
}

/** The bytes of a field, without its quotes. */
interface Field {
  start: number;
  end: number;
  quoted: boolean;
}

type Outcome =
  | { fields: Field[]; next: number }
  /** `at` is a position in the line after which reading goes on. */
  | { fault: string; at: number }
  /** The row's end is not in the bytes yet. */
  | 'more';

class Scanner {
  private readonly delimiter: Buffer;
  private readonly quote: number | undefined;
  private readonly escape: number | undefined;
  private readonly unescape: (text: string) => string;
  private bytes: Buffer = Buffer.alloc(0);
  /** The number of the line at which the unread bytes begin. */
  private line = 1;
  /** Whether the rest of a line is dropped. */
  private dropping = false;
  private nextLineFeed = never;
  private nextDelimiter = never;
  private nextQuote = never;
  private nextEscape = never;

  constructor({ delimiter, quote, escape }: Dialect) {
    this.delimiter = Buffer.from(delimiter);
    this.quote = quote === '' ? undefined : quote.charCodeAt(0);
    this.escape = escape === quote || escape === '' ? undefined : escape.charCodeAt(0);
    this.unescape = unescaper(quote, escape);
  }

  /** Reads the rows that end in the bytes so far. */
  take(chunk: Buffer, last: boolean): (DelimitedRow | Fault)[] {
    const bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    this.bytes = bytes;
    this.nextLineFeed = finder(bytes, lineFeed);
    if (this.delimiter.length > 0)
      this.nextDelimiter = finder(bytes, this.delimiter.length === 1 ? this.delimiter[0] : this.delimiter);
    if (this.quote !== undefined) this.nextQuote = finder(bytes, this.quote);
    if (this.escape !== undefined) this.nextEscape = finder(bytes, this.escape);
    const rows: (DelimitedRow | Fault)[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.dropping) {
        at = this.afterLine(at);
        continue;
      }
      const outcome = this.rowAt(at, last);
      if (outcome === 'more') break;
      if ('fault' in outcome) at = this.refuse(at, outcome, rows);
      else {
        const { fields, next } = outcome;
        if (fields.length > 1 || fields[0].quoted || fields[0].end > fields[0].start)
          rows.push({
            line: this.line,
            fields: fields.length,
            text: (index) => (index in fields ? this.textOf(bytes, fields[index]) : ''),
          });
        this.line += this.lineFeeds(at, next);
        at = next;
      }
    }
    this.bytes = bytes.subarray(at);
    return rows;
  }

  /** Notes a fault, and returns the position of the next line. */
  private refuse(
    start: number,
    { fault, at }: { fault: string; at: number },
    rows: (DelimitedRow | Fault)[],
  ): number {
    this.line += this.lineFeeds(start, at);
    rows.push({ line: this.line, fault });
    return this.afterLine(at);
  }

  private afterLine(at: number): number {
    const end = this.nextLineFeed(at);
    this.dropping = end === Infinity;
    if (this.dropping) return this.bytes.length;
    this.line++;
    return end + 1;
  }

  private rowAt(start: number, last: boolean): Outcome {
    const { bytes, delimiter } = this;
    const fields: Field[] = [];
    for (let at = start; ; ) {
      let field: Field;
      let next: number;
      if (this.quote !== undefined && bytes[at] === this.quote) {
        const close = this.closingQuote(at + 1);
        // The bound depends on the row alone, not on where chunks end.
        if (close - start > maximumRow)
          return last || bytes.length - start > maximumRow ? notClosed(at) : 'more';
        field = { start: at + 1, end: close, quoted: true };
        next = close + 1;
        while (bytes[next] === space) next++;
        if (!last && bytes.length - next < Math.max(2, delimiter.length)) return 'more';
        if (!this.endsField(next)) return this.wrongQuote(at, close);
      } else {
        next = Math.min(this.nextDelimiter(at), this.nextLineFeed(at));
        if (next === Infinity) {
          if (!last && bytes.length - start <= maximumRow) return 'more';
          next = bytes.length;
        }
        if (next - start > maximumRow) return { fault: tooLong, at };
        field = { start: at, end: next, quoted: false };
      }
      fields.push(field);
      if (next === this.nextDelimiter(next)) {
        at = next + delimiter.length;
        continue;
      }
      if (bytes[next] === carriageReturn) next++;
      // The carriage return of a line's end is no part of its last field.
      if (!field.quoted && field.end > field.start && bytes[field.end - 1] === carriageReturn) field.end--;
      return { fields, next: Math.min(next + 1, bytes.length) };
    }
  }

  /** The position of the quote that closes a field; Infinity when there is none. */
  private closingQuote(from: number): number {
    for (let at = from; ; ) {
      const quote = this.nextQuote(at);
      const escape = this.nextEscape(at);
      if (escape < quote) at = escape + 2;
      else if (quote !== Infinity && this.bytes[quote + 1] === this.quote) at = quote + 2;
      else return quote;
    }
  }

  /** Whether a delimiter, a line end or the end of the file is at a position. */
  private endsField(at: number): boolean {
    const { bytes } = this;
    return (
      at >= bytes.length ||
      bytes[at] === lineFeed ||
      (bytes[at] === carriageReturn && (at + 1 === bytes.length || bytes[at + 1] === lineFeed)) ||
      this.nextDelimiter(at) === at
    );
  }

  private wrongQuote(open: number, close: number): Outcome {
    if (this.bytes[close - 1] === backslash && this.escape !== backslash)
      return { fault: String.raw`a quote follows a backslash; set "escape" to "\\"`, at: open };
    if (this.nextLineFeed(open) < close) return notClosed(open);
    return {
      fault: 'text follows a closing quote; inside of a quoted field a quote must be doubled',
      at: open,
    };
  }

  private textOf(bytes: Buffer, { start, end, quoted }: Field): string | undefined {
    const text = bytes.toString('utf8', start, end);
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) return undefined;
    return quoted ? this.unescape(text) : text;
  }

  private lineFeeds(from: number, to: number): number {
    let count = 0;
    for (let at = this.bytes.indexOf(lineFeed, from); at >= 0 && at < to; count++)
      at = this.bytes.indexOf(lineFeed, at + 1);
    return count;
  }
}

const tooLong = `is longer than ${maximumRow} bytes`;

function notClosed(at: number): Outcome {
  return { fault: `a quote is not closed within ${maximumRow} bytes, or before other text`, at };
}

function unescaper(quote: string, escape: string): (text: string) => string {
  if (quote === '') return (text) => text;
  const literal = (sign: string) => sign.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  const [q, e] = [literal(quote), literal(escape)];
  const pairs = new RegExp(escape === '' ? `(${q})${q}` : `${e}([${e}${q}])|(${q})${q}`, 'g');
  return (text) =>
    text.replace(pairs, (_, escaped: string | undefined, doubled: string | undefined) => escaped ?? doubled!);
}

const never = (_at: number): number => Infinity;

/** Returns a function that finds the first needle at or after a position, in constant time where it is found again. */
function finder(bytes: Buffer, needle: number | Buffer): (at: number) => number {
  let from = 0;
  let found = -1;
  return (at) => {
    if (at < from || at > found) {
      from = at;
      const index = bytes.indexOf(needle, at);
      found = index < 0 ? Infinity : index;
    }
    return found;
  };
}
