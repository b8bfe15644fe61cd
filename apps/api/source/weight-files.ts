import { Readable } from 'node:stream';
import { type Format, safetensors } from '@distillery/formats';
import { canonicalJson, DistilleryError, sha256 } from '@distillery/spec';
import { type BlobInfo, isIntact, type Store } from '@distillery/store';
import type { SentFile } from './http/send-file.ts';
import { recent } from './recent.ts';

/** Files up to this size are compared with their digest before they are sent, once for each process; larger ones only by size. */
const quickBytes = 16 * 1024 * 1024;

/** Weights up to this size are encoded within the event loop; larger ones on a thread, and kept in the store for a while. */
const smallBytes = 1024 * 1024;
/** The files that were encoded last, by what they were encoded from. */
const encodedFiles = recent<BlobInfo>(1000);

/** What a file is encoded from. */
export interface EncodeChoice {
  /** The digest of the stored weights. */
  digest: string;
  format: string;
  options: Record<string, unknown>;
}

/**
 * Returns stored weights as a file of a format. Weights are stored as safetensors, which is streamed as it is. A file of another
 * format, or with other options than the defaults, is encoded; a large one once, so that its ranges are read from the store.
 *
 * @param weights the digest and the size of the stored weights
 * @param options the format's options, parsed
 * @param encode encodes a large file and puts it into the store
 * @throws DistilleryError `checkpoint_not_found` when the blob is gone; `artifact_corrupt` when it is damaged, as far as that
 *   is known before the first byte is sent
 */
export async function weightFile(
  store: Store,
  { digest, size }: BlobInfo,
  format: Format,
  options: Record<string, unknown>,
  encode: (choice: EncodeChoice) => Promise<BlobInfo>,
): Promise<SentFile> {
  if (format.type !== safetensors.type || !isDefault(format, options)) {
    if (size <= smallBytes) return encoded(await store.read(digest), format, options);
    const choice = { digest, format: format.type, options };
    // A collection may have removed a file that was encoded before.
    const file = await encodedFiles(
      canonicalJson(choice),
      () => encode(choice),
      (before) => store.renew(before.digest),
    );
    return { ...file, ...streamed(store, file.digest) };
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
  return { ...blob, ...streamed(store, digest) };
}

/** How the bytes of a stored file reach the client. */
function streamed(store: Store, digest: string): Pick<SentFile, 'stream' | 'elsewhere'> {
  return {
    stream: (range) => store.stream(digest, range),
    elsewhere: store.downloadUrl && ((as) => store.downloadUrl!(digest, as)),
  };
}

/** Whether the options are those of the file that is stored. */
function isDefault({ options: schema }: Format, options: Record<string, unknown>): boolean {
  return canonicalJson(options) === canonicalJson(schema.parse({}));
}

function encoded(stored: Uint8Array, format: Format, options: Record<string, unknown>): SentFile {
  const bytes = encodedAs(format, stored, options);
  return {
    digest: sha256(bytes),
    size: bytes.length,
    // One chunk in an array: Readable.from(bytes) would emit the bytes one by one.
    stream: async (range) => Readable.from([bytes.subarray(range?.start ?? 0, range && range.end + 1)]),
  };
}

/**
 * Encodes stored weights in a format.
 *
 * @throws DistilleryError `malformed_request` for weights that the format, or one of its options, cannot represent
 */
export function encodedAs(format: Format, stored: Uint8Array, options: Record<string, unknown>): Uint8Array {
  return representable(`as ${format.type}`, () => format.encode(safetensors.decode(stored), options));
}

/** Encodes, and turns a RangeError, by which formats refuse weights, into `malformed_request`. */
export function representable(how: string, encode: () => Uint8Array): Uint8Array {
  try {
    return encode();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DistilleryError('malformed_request', `these weights cannot be sent ${how}: ${cause.message}`, {
      cause,
    });
  }
}
