import { DistilleryError } from '@distillery/spec';

/** A range of bytes; `start` and `end` are both inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Returns the single range that a `Range` header asks for. It is undefined when the whole file is to be sent: without a
 * header, for one that is malformed or has several ranges (RFC 9110, 14.2 allows ignoring those), and when `If-Range`
 * names another version of the file.
 *
 * @throws DistilleryError `range_not_satisfiable`
 */
export function requestedRange(
  header: string | undefined,
  ifRange: string | undefined,
  tag: string,
  size: number,
): ByteRange | undefined {
  if (header === undefined || (ifRange !== undefined && ifRange.trim() !== tag)) return undefined;
  const [, first = '', last = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header) ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || (first === '' && Number(last) === 0)) {
    throw new DistilleryError('range_not_satisfiable', `${header} is outside the ${size} bytes of the file`);
  }
  return { start, end };
}
