import { createHash } from 'node:crypto';
import { digestOf } from '@distillery/spec';
import type { About } from './dataset.ts';
import { yieldToEvents } from './yield-to-events.ts';

/** Bytes between two checks of the abort signal. */
const chunkBytes = 1 << 22;

/**
 * The digest of a data set: SHA-256 over the shape, the class names, the tokenizer of texts, the columns of tables, the counts, the number
 * of given validation samples and of those without a class, and the decoded
 * bytes of both splits.
 *
 * @param counts the number of samples of each split
 * @param content the inputs of the training split, its labels as int32 in this machine's byte order, then both of
 *   the test split
 * @throws the reason of the signal when it is aborted
 */
export async function contentDigest(
  { classes, shape, vocabulary, tokenizer, columns, validation, unlabeled }: About,
  counts: { train: number; test: number },
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256');
  const texts = tokenizer === undefined ? {} : { vocabulary, tokenizer };
  hash.update(
    digestOf({
      classes,
      shape,
      ...counts,
      ...texts,
      ...(columns && { columns }),
      ...(validation && { validation }),
      ...(unlabeled && { unlabeled }),
    }),
  );
  for await (const part of content) {
    for (let at = 0; at < part.length; at += chunkBytes) {
      await yieldToEvents(signal);
      hash.update(part.subarray(at, at + chunkBytes));
    }
  }
  return hash.digest('hex');
}

/** A view of an array's bytes. */
export function bytesOf(array: Uint8Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The digest of the inputs of a whole split. */
export function splitDigest(dataset: string, split: 'train' | 'test'): string {
  return digestOf({ dataset, split });
}
