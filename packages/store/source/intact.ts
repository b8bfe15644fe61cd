import { DistilleryError } from '@distillery/spec/errors';
import type { Store } from './store.ts';

/**
 * Tells whether a blob is present and its bytes match its digest. A blob that does not pass counts as absent: its
 * content is computed again and put, which repairs it.
 *
 * @throws DistilleryError `store_unavailable` when the store cannot be read, which says nothing about the blob
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

/** Tells whether all of these blobs are intact. */
export async function areIntact(store: Store, digests: readonly string[]): Promise<boolean> {
  for (const digest of digests) if (!(await isIntact(store, digest))) return false;
  return true;
}
