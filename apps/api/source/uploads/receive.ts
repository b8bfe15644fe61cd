import { createHash } from 'node:crypto';
import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { addPart, endOf, lastPart, type Part } from './parts.ts';
import { type About, partsLog } from './record.ts';
import { partsOf } from './split-stream.ts';

/** Bytes that are stored as one part: what a process that is killed loses at most. */
export const partBytes = 64 * 2 ** 20;
/** A part ends after this time, too, so that a slow connection loses little. */
const partMs = 20_000;

/** The checksum that the bytes of a request must have. */
export interface Checksum {
  algorithm: 'sha1' | 'sha256' | 'md5';
  value: Buffer;
}

/**
 * Appends the bytes of a request to an upload, part by part, and keeps what has come when the request is cut off. With a checksum
 * all of the bytes are kept, or none.
 *
 * @param offset where the bytes begin, which must be the end of what is stored
 * @returns the offset behind the last stored byte
 * @throws DistilleryError `upload_conflict` for another offset, `upload_too_large` for bytes beyond the size of the file,
 *   `checksum_mismatch`, and those of the store
 */
export async function receive(
  store: Store,
  about: About,
  offset: number,
  bytes: AsyncIterable<Uint8Array>,
  checksum?: Checksum,
): Promise<number> {
  const log = partsLog(about);
  const stored = endOf(await lastPart(store, log));
  if (stored !== offset) {
    const message = `the upload has ${stored} of ${about.size} bytes: it continues at ${stored}, not at ${offset}`;
    throw new DistilleryError('upload_conflict', message, {
      fields: [{ path: '#/headers/upload-offset', message, value: offset, allowed: stored }],
    });
  }
  const hash = checksum && createHash(checksum.algorithm);
  const waiting: Omit<Part, 'at'>[] = [];
  let end = offset;
  const source = partsOf(bytes, { most: about.size - offset, partBytes, partMs });
  for await (const part of source.parts) {
    const { digest, size } = await store.put(hash === undefined ? part : hashed(part, hash));
    if (size === 0) continue;
    const noted = { offset: end, size, digest };
    end += size;
    if (checksum === undefined) await addPart(store, log, noted);
    else waiting.push(noted);
  }
  if (source.exceeded()) {
    const message = `the file has ${about.size} bytes, but more were sent: begin an upload of the right size`;
    throw new DistilleryError('upload_too_large', message);
  }
  if (checksum === undefined || hash === undefined) return end;
  if (source.cut()) return offset;
  if (!hash.digest().equals(checksum.value)) {
    const message = `the bytes from ${offset} to ${end} do not have the ${checksum.algorithm} of Upload-Checksum: send them again`;
    throw new DistilleryError('checksum_mismatch', message);
  }
  for (const part of waiting) await addPart(store, log, part);
  return end;
}

async function* hashed(part: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const chunk of part) {
    hash.update(chunk);
    yield chunk;
  }
}
