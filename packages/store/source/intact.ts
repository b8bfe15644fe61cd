import { createHash } from 'node:crypto';
import { DistilleryError } from '@distillery/spec/errors';
import type { Store } from './store.ts';

/**
 * Whether a blob is present and its bytes match its digest. Otherwise it counts as absent: its content is computed again
 * and stored, which repairs it.
 *
 * @throws DistilleryError `store_unavailable` when the store cannot be read, in which case the state of the blob is unknown
 */
export async function isIntact(store: Store, digest: string): Promise<boolean> {
  try {
    const reader = await store.open(digest, { verify: true });
    await reader.close();
    return true;
  } catch (error) {
    if (isLost(error)) return false;
    throw error;
  }
}

/** Whether an error is that of reading a blob that is missing or damaged. */
export function isLost(error: unknown): error is DistilleryError {
  const code = error instanceof DistilleryError ? error.code : undefined;
  return code === 'checkpoint_not_found' || code === 'artifact_corrupt';
}

/**
 * Whether the content of a blob matches its digest, as `isIntact`, but reading all of it each time: a disk may decay under a
 * file without any sign.
 */
export async function verifyContent(store: Store, digest: string, signal?: AbortSignal): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of await store.stream(digest)) {
      signal?.throwIfAborted();
      hash.update(chunk as Uint8Array);
    }
  } catch (error) {
    if (error instanceof DistilleryError && error.code === 'checkpoint_not_found') return false;
    throw error;
  }
  return hash.digest('hex') === digest;
}

/**
 * Whether a manifest and the blobs that it names are present and intact. They then count as used from now on, so that a
 * collection of unused artifacts leaves them to the caller.
 */
export async function claim(store: Store, name: string, digests: readonly string[]): Promise<boolean> {
  if (!(await store.renewManifest(name))) return false;
  for (const digest of digests) if (!(await store.renew(digest))) return false;
  return await areIntact(store, digests);
}

/** Whether all of these blobs are intact. */
export async function areIntact(store: Store, digests: readonly string[]): Promise<boolean> {
  for (const digest of digests) if (!(await isIntact(store, digest))) return false;
  return true;
}
