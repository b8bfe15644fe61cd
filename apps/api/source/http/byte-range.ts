import { DistilleryError } from '@distillery/spec';

/** Both inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The single range that a `Range` header asks for; undefined where the whole is to be sent: there is no header, it is
 * not understood, or it asks for several ranges (RFC 9110, 14.2 allows to ignore it), or `If-Range` names other bytes.
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
    throw new DistilleryError(
      'range_not_satisfiable',
      `${header} lies outside the ${size} bytes of the file`,
    );
  }
  return { start, end };
}
