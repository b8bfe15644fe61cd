import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asDistilleryError, DistilleryError } from '@distillery/spec/errors';
import { draftName } from './drafts.ts';

// Weights and what they were trained on are the business of the service's own user.
const folderMode = 0o700;
const fileMode = 0o600;

/** Returns the errno name of a system error (`ENOENT`), or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Runs a file operation; undefined where the file or its folder is absent. */
export async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs file operations; their system errors become those of `storeError`. */
export async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(what, error);
  }
}

/**
 * Turns a system error into `disk_full` or `store_unavailable`; any other error is returned as it is. Paths stay in the
 * cause, because a message may be sent to a client.
 *
 * @param what completes "the store cannot …"
 */
export function storeError(what: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  if (asDistilleryError(error).code === 'disk_full') {
    return new DistilleryError(
      'disk_full',
      `the store cannot ${what}: its disk is full (${code}); what was committed before is kept`,
      { cause: error },
    );
  }
  return new DistilleryError('store_unavailable', `the store cannot ${what}: ${code}`, { cause: error });
}

/** Makes the entries of a folder durable: without it a renamed file may be gone after a power cut (fsync(2)). */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network and Windows file systems have no such operation; there is nothing more that we could do.
    if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Syncs the parents of a folder, from the nearest up to `last`, so that the folder itself is there to stay. */
async function syncParents(path: string, last: string): Promise<void> {
  for (let parent = path; parent !== last; ) {
    parent = dirname(parent);
    await syncFolder(parent);
  }
}

/** Makes a store's top folder and its parents, durably where they are new. */
export async function makeRoot(root: string): Promise<void> {
  const first = await mkdir(root, { recursive: true, mode: folderMode });
  if (first !== undefined) await syncParents(root, dirname(first));
}

/**
 * A function that makes folders below `root` durably. A folder that exists may have been made by another process
 * that has not yet synced it, so each path's parents are synced once in this process in any case.
 */
export function folderMaker(root: string): (path: string) => Promise<void> {
  const durable = new Set<string>();
  return async (path) => {
    await mkdir(path, { recursive: true, mode: folderMode });
    if (durable.has(path)) return;
    await syncParents(path, root);
    durable.add(path);
  };
}

/** A file that was written and synced under a temporary name, with the digest and size of its bytes. */
export interface Draft {
  path: string;
  digest: string;
  size: number;
}

/**
 * Writes a source to a temporary file in `folder`, syncs it, and hands it to `keep`, which renames or links it.
 * The temporary file is removed afterwards in any case. Memory holds one chunk at a time.
 */
export async function withDraft<T>(
  folder: string,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  keep: (draft: Draft) => Promise<T>,
): Promise<T> {
  const path = join(folder, await draftName());
  const handle = await onDisk('open a file', () => open(path, 'wx', fileMode));
  try {
    const { digest, size } = await fill(handle, source);
    return await onDisk('keep a file', () => keep({ path, digest, size }));
  } finally {
    // A failure to tidy must not hide the failure before it; `sweep` will find the file.
    await rm(path, { force: true }).catch(() => undefined);
  }
}

async function fill(handle: FileHandle, source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of source) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError(`a store takes bytes, not a ${typeof chunk}`);
      hash.update(chunk);
      size += chunk.byteLength;
      await onDisk('write', () => handle.writeFile(chunk));
    }
    await onDisk('write', () => handle.sync());
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
  // Network file systems may report only now that a write failed.
  await onDisk('write', () => handle.close());
  return { digest: hash.digest('hex'), size };
}
