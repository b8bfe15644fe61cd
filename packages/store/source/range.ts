import { DistilleryError } from '@distillery/spec/errors';
import type { ByteRange } from './store.ts';

/**
 * Returns a range within a blob of `size` bytes, with its end moved back to the last byte.
 *
 * @throws DistilleryError `range_not_satisfiable` where it is not whole, is backwards or starts past the last byte
 */
export function satisfiableRange(range: ByteRange, size: number): ByteRange {
  const { start, end } = range;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!whole || start < 0 || end < start || start >= size) {
    const message = `the range ${start}-${end} is outside the ${size} bytes of the blob`;
    throw new DistilleryError('range_not_satisfiable', message);
  }
  return { start, end: Math.min(end, size - 1) };
}
