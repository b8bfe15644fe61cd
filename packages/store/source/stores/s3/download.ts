import { DistilleryError } from '@distillery/spec/errors';
import type { ByteRange } from '../../store.ts';
import { type Bucket, partBytes, partsAtOnce } from './bucket.ts';
import { bucketError } from './client.ts';

/** Connections that may be lost one after the other, without a byte between them. */
const cutsInARow = 5;

/**
 * Reads an object or a range of it. A connection that is lost is made again from the byte that was reached.
 *
 * @throws DistilleryError `checkpoint_not_found` at the first read where the object is absent, `store_unavailable`
 */
export async function* bytesOf(
  bucket: Bucket,
  key: string,
  { start, end }: ByteRange,
): AsyncGenerator<Buffer> {
  let cuts = 0;
  for (let at = start; at <= end; ) {
    const answer = await bucket.get(key, { start: at, end });
    if (answer === undefined)
      throw new DistilleryError('checkpoint_not_found', `the store has no object ${key}`);
    const { body } = answer;
    let position = answer.start;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        const wanted = chunk.subarray(Math.max(0, at - position), Math.max(0, end + 1 - position));
        position += chunk.length;
        if (wanted.length === 0) continue;
        at += wanted.length;
        cuts = 0;
        yield wanted;
        if (at > end) break;
      }
      if (at <= end) throw new Error('the answer ended early');
    } catch (error) {
      if (++cuts >= cutsInARow) throw bucketError('read a blob', error);
    } finally {
      body.destroy();
    }
  }
}

/** Where the parts of an object end up: `write` may be called for several at once. */
type Sink = (chunk: Buffer, position: number) => Promise<void> | void;

/** Reads all of an object in parts, a few at once. */
export async function fetchParts(bucket: Bucket, key: string, size: number, sink: Sink): Promise<void> {
  let next = 0;
  const fetchNext = async () => {
    while (next < size) {
      let at = next;
      next += partBytes;
      const end = Math.min(at + partBytes, size) - 1;
      for await (const chunk of bytesOf(bucket, key, { start: at, end })) {
        await sink(chunk, at);
        at += chunk.length;
      }
    }
  };
  await Promise.all(Array.from({ length: partsAtOnce }, fetchNext));
}
