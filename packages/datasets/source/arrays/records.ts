/**
 * Cuts a stream of bytes into records of equal length.
 *
 * @param bytes the length of a record
 * @param count the number of records
 * @param what names a record in the error
 * @returns blocks of whole records, valid until the next block is asked for
 * @throws RangeError when the stream ends before the last record, or goes on behind it
 */
export async function* recordsOf(
  chunks: AsyncIterable<Buffer>,
  { bytes, count, what }: { bytes: number; count: number; what: string },
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let done = 0;
  for await (const chunk of chunks) {
    const held = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = Math.min(count - done, Math.floor(held.length / bytes));
    if (whole > 0) yield held.subarray(0, whole * bytes);
    done += whole;
    rest = held.subarray(whole * bytes);
    if (done === count && rest.length > 0)
      throw new RangeError(`goes on behind the last of ${count} ${what}`);
  }
  if (done < count) throw new RangeError(`ends after ${done} of ${count} ${what}`);
}
