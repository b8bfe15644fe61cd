import { type DelimitedRow, delimitedRows, type Fault } from './delimited.ts';

/** A line that holds a JSON object, with its first line's number. */
export interface JsonRow {
  line: number;
  value: Record<string, unknown>;
}

/** Yields the objects of a file that holds one in each line, those of each chunk together, and the lines that hold none. */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<(JsonRow | Fault)[]> {
  for await (const rows of delimitedRows(chunks, { delimiter: '', quote: '', escape: '' })) {
    yield rows.flatMap((row) => ('fault' in row ? [row] : objectOf(row)));
  }
}

function objectOf(row: DelimitedRow): (JsonRow | Fault)[] {
  const { line } = row;
  const text = row.text(0);
  if (text === undefined) return [{ line, fault: 'is not in the encoding', misread: true }];
  if (text.trim() === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return [{ line, value: value as Record<string, unknown> }];
    return [{ line, fault: 'is not a JSON object' }];
  } catch (error) {
    return [{ line, fault: `is not JSON: ${(error as Error).message}` }];
  }
}
