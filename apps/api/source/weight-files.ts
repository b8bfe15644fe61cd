import { Readable } from 'node:stream';
import { type Format, safetensors } from '@distillery/formats';
import { DistilleryError, sha256 } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { SentFile } from './http/send-file.ts';

/**
 * Returns stored weights as a file of a format. Weights are stored as safetensors, which is streamed as it is; a file of
 * another format is encoded for each request.
 *
 * @param digest the digest of the stored weights
 * @throws DistilleryError `checkpoint_not_found` when the blob is gone; `artifact_corrupt` when it is damaged and has to
 *   be read
 */
export async function weightFile(store: Store, digest: string, format: Format): Promise<SentFile> {
  if (format.type !== safetensors.type) return encoded(await store.read(digest), format);
  const blob = await store.stat(digest);
  if (blob === undefined)
    throw new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
  return { ...blob, stream: (range) => store.stream(digest, range) };
}

function encoded(stored: Uint8Array, format: Format): SentFile {
  const bytes = format.encode(safetensors.decode(stored));
  return {
    digest: sha256(bytes),
    size: bytes.length,
    // One chunk in an array: Readable.from(bytes) would emit the bytes one by one.
    stream: async (range) => Readable.from([bytes.subarray(range?.start ?? 0, range && range.end + 1)]),
  };
}
