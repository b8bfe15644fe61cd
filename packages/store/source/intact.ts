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
    const code = error instanceof DistilleryError ? error.code : undefined;
    if (code === 'checkpoint_not_found' || code === 'artifact_corrupt') return false;
    throw error;
  }
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
