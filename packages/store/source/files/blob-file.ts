import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { DistilleryError } from '@distillery/spec/errors';
import type { BlobReader, OpenOptions } from '../store.ts';
import { onDisk, storeError, unlessAbsent } from './durable.ts';

const chunkBytes = 4 * 1024 * 1024;

/** By path, the files that this process has verified, as they were then. */
const verified = new Map<string, string>();

/**
 * Opens the file of a blob.
 *
 * @throws DistilleryError `checkpoint_not_found` where it is absent
 */
export async function openBlob(path: string, digest: string): Promise<FileHandle> {
  const handle = await onDisk('open a blob', () => unlessAbsent(() => open(path, 'r')));
  if (handle !== undefined) return handle;
  throw new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
}

/** Reads all of a blob, verifies it and closes its file. */
export async function readVerified(handle: FileHandle, digest: string): Promise<Uint8Array> {
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    refuseOther(digest, await hash(handle, size, bytes), size);
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Opens a blob for reads at any position, which go straight to the file. */
export async function openReader(
  path: string,
  digest: string,
  { verify = false }: OpenOptions,
): Promise<BlobReader> {
  const handle = await openBlob(path, digest);
  try {
    const { size, mtimeNs, ino } = await onDisk('read a blob', () => handle.stat({ bigint: true }));
    const state = `${ino} ${size} ${mtimeNs}`;
    if (verify && verified.get(path) !== state) {
      refuseOther(digest, await onDisk('read a blob', () => hash(handle, Number(size))), Number(size));
      verified.set(path, state);
    }
    return {
      digest,
      size: Number(size),
      read: (position, into) => readAt(handle.fd, position, into),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function readAt(fd: number, position: number, into: Uint8Array): number {
  let read = 0;
  try {
    while (read < into.length) {
      const count = readSync(fd, into, read, into.length - read, position + read);
      if (count === 0) break;
      read += count;
    }
  } catch (error) {
    throw storeError('read a blob', error);
  }
  return read;
}

/** Returns the SHA-256 of a file; `into` keeps its bytes, without it memory holds one chunk. */
async function hash(handle: FileHandle, size: number, into?: Uint8Array): Promise<string> {
  const sum = createHash('sha256');
  const buffer = into ?? new Uint8Array(Math.min(chunkBytes, size));
  for (let at = 0; at < size; ) {
    const offset = into === undefined ? 0 : at;
    const { bytesRead } = await handle.read(buffer, offset, Math.min(chunkBytes, size - at), at);
    if (bytesRead === 0) break;
    sum.update(buffer.subarray(offset, offset + bytesRead));
    at += bytesRead;
  }
  return sum.digest('hex');
}

/** Returns the SHA-256 of bytes in memory, with pauses for other work. */
export async function hashOf(bytes: Uint8Array): Promise<string> {
  const sum = createHash('sha256');
  for (const slice of slices(bytes)) {
    sum.update(slice);
    if (slice.length === chunkBytes) await setImmediate();
  }
  return sum.digest('hex');
}

/** A hash takes at most 2 GiB at once, and one long update would block the event loop. */
export function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** @throws DistilleryError `artifact_corrupt` unless the bytes of a blob have its digest */
export function refuseOther(digest: string, actual: string, size: number): void {
  if (actual === digest) return;
  const message = `the blob ${digest} is damaged: its ${size} bytes have the digest ${actual}`;
  throw new DistilleryError('artifact_corrupt', message);
}
