/** The order of a table, as the address holds it: `accuracy`, or `-accuracy` for descending. */
export interface Sort {
  by: string;
  descending: boolean;
}

type Key = number | string | null | undefined;

/** What a column sorts by; rows without a value come last in both directions. */
export interface Sortable<R> {
  name: string;
  sort?: (row: R) => Key;
}

export function sortOf(text: string | null, fallback: Sort): Sort {
  if (text === null || text === '') return fallback;
  return text.startsWith('-') ? { by: text.slice(1), descending: true } : { by: text, descending: false };
}

export const sortText = ({ by, descending }: Sort): string => (descending ? `-${by}` : by);

/** Returns the rows in the order of a column; in their own order when the column is not there. Equal rows keep theirs. */
export function sorted<R>(
  rows: readonly R[],
  columns: readonly Sortable<R>[],
  { by, descending }: Sort,
): readonly R[] {
  const key = columns.find(({ name }) => name === by)?.sort;
  if (key === undefined) return rows;
  const direction = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, key: key(row) ?? null }))
    .sort((a, b) => {
      if (a.key === null || b.key === null) return a.key === b.key ? 0 : a.key === null ? 1 : -1;
      return direction * compare(a.key, b.key);
    })
    .map(({ row }) => row);
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
