import { Readable } from 'node:stream';
import { type Format, safetensors } from '@distillery/formats';
import { canonicalJson, DistilleryError, sha256 } from '@distillery/spec';
import { type BlobInfo, isIntact, type Store } from '@distillery/store';
import type { SentFile } from './http/send-file.ts';

/** Files up to this size are compared with their digest before they are sent, once for each process; larger ones only by size. */
const quickBytes = 16 * 1024 * 1024;

/**
 * Returns stored weights as a file of a format. Weights are stored as safetensors, which is streamed as it is; a file of
 * another format, or with other options than the defaults, is encoded for each request.
 *
 * @param weights the digest and the size of the stored weights
 * @param options the format's options, parsed
 * @throws DistilleryError `checkpoint_not_found` when the blob is gone; `artifact_corrupt` when it is damaged, as far as that
 *   is known before the first byte is sent
 */
export async function weightFile(
  store: Store,
  { digest, size }: BlobInfo,
  format: Format,
  options: Record<string, unknown>,
): Promise<SentFile> {
  if (format.type !== safetensors.type || !isDefault(format, options)) {
    return encoded(await store.read(digest), format, options);
  }
  const blob = await store.stat(digest);
  if (blob === undefined)
    throw new DistilleryError(
      'checkpoint_not_found',
      `the store has lost the file ${digest}: retry the job to make it again`,
    );
  if (blob.size !== size) {
    throw new DistilleryError(
      'artifact_corrupt',
      `the file ${digest} has ${blob.size} bytes, expected ${size}: retry the job to make it again`,
    );
  }
  if (size <= quickBytes && !(await isIntact(store, digest))) {
    throw new DistilleryError(
      'artifact_corrupt',
      `the content of the file ${digest} does not match its digest: retry the job to make it again`,
    );
  }
  return { ...blob, stream: (range) => store.stream(digest, range) };
}

/** Whether the options are those of the file that is stored. */
function isDefault({ options: schema }: Format, options: Record<string, unknown>): boolean {
  return canonicalJson(options) === canonicalJson(schema.parse({}));
}

function encoded(stored: Uint8Array, format: Format, options: Record<string, unknown>): SentFile {
  const bytes = format.encode(safetensors.decode(stored), options);
  return {
    digest: sha256(bytes),
    size: bytes.length,
    // One chunk in an array: Readable.from(bytes) would emit the bytes one by one.
    stream: async (range) => Readable.from([bytes.subarray(range?.start ?? 0, range && range.end + 1)]),
  };
}
