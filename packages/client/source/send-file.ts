import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Upload } from '@distillery/spec';
import { ApiError } from './api-error.ts';
import { delay } from './delay.ts';
import { DigestError } from './download.ts';
import { isTransient, pauseMs } from './retry.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface UploadOptions extends CallOptions {
  /** The name of the file, whose extension tells what it is. Default: that of a `File`. */
  name?: string | undefined;
  /** The id of an upload that was begun before, which goes on where it ended. */
  resume?: string | undefined;
  /** Is told how many bytes are stored, after each piece, and the id to go on with. */
  onProgress?: ((stored: number, size: number, id: string) => void) | undefined;
  /** The bytes of a request; default a thousandth of the file, from 16 to 64 MiB. */
  pieceBytes?: number | undefined;
}

/** A piece may take this long on a slow connection. */
const pieceMs = 15 * 60_000;
const [leastPieceBytes, mostPieceBytes] = [16 * 2 ** 20, 64 * 2 ** 20];

/**
 * Sends a file in pieces, by tus 1.0. A connection that is cut is made again, and the file goes on where it ended: pieces are read
 * from the blob when they are sent, so that memory holds one.
 *
 * @returns the upload, which is complete
 * @throws DigestError when the service has other bytes than were sent
 */
export async function sendFile(
  transport: Transport,
  file: Blob,
  { name, resume, onProgress, pieceBytes = usualPiece(file.size), ...options }: UploadOptions,
): Promise<Upload> {
  const { signal, retries = 8 } = options;
  const id = resume ?? (await begin());
  const path = `/v1/uploads/${encodeURIComponent(id)}`;
  const measured = async () =>
    Number((await transport.headers({ path, method: 'HEAD', ...options })).get('upload-offset'));
  let offset = resume === undefined ? 0 : await measured();
  // What an earlier process has sent is not read again.
  const hash = offset === 0 ? sha256.create() : undefined;
  let hashed = 0;
  for (let failures = 0; offset < file.size; ) {
    signal?.throwIfAborted();
    const end = Math.min(offset + pieceBytes, file.size);
    const bytes = new Uint8Array(await file.slice(offset, end).arrayBuffer());
    if (end > hashed) hash?.update(bytes.subarray(hashed - offset));
    hashed = Math.max(hashed, end);
    try {
      const headers = await transport.headers({
        path,
        method: 'PATCH',
        bytes,
        headers: {
          'content-type': 'application/offset+octet-stream',
          'tus-resumable': '1.0.0',
          'upload-offset': String(offset),
        },
        repeatable: false,
        ...options,
        timeoutMs: Math.max(pieceMs, options.timeoutMs ?? 0),
      });
      offset = Number(headers.get('upload-offset'));
      failures = 0;
    } catch (error) {
      signal?.throwIfAborted();
      const isElsewhere = error instanceof ApiError && error.code === 'upload_conflict';
      const pause = pauseMs(++failures, error);
      if ((!isElsewhere && !isTransient(error)) || failures > retries || pause === undefined) throw error;
      await delay(pause, signal);
      const reached = await measured();
      if (reached > offset) failures = 0;
      offset = reached;
    }
    onProgress?.(offset, file.size, id);
  }
  const upload = await transport.json<Upload>({ path, ...options, timeoutMs: pieceMs });
  const digest = hash && bytesToHex(hash.digest());
  if (digest !== undefined && upload.digest !== digest)
    throw new DigestError(upload.name, String(upload.digest), digest, 'upload it again');
  return upload;

  async function begin(): Promise<string> {
    const given = name ?? (file as Partial<File>).name ?? 'file';
    const headers = await transport.headers({
      path: '/v1/uploads',
      method: 'POST',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(file.size),
        'upload-metadata': `filename ${base64(given)}`,
      },
      // One that nothing is sent to expires.
      repeatable: true,
      ...options,
    });
    return headers.get('location')?.split('/').at(-1) ?? '';
  }
}

function usualPiece(size: number): number {
  return Math.min(mostPieceBytes, Math.max(leastPieceBytes, Math.ceil(size / 1000)));
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
