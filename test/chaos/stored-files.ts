import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What a store keeps. */
export type StoredKind = 'blobs' | 'manifests';

/**
 * Chooses a stored file. Checkpoints of running jobs are among them, and artifacts that jobs share.
 *
 * @param pick from 0 to 1
 * @returns its path; undefined in an empty store
 */
export async function storedFile(store: string, kind: StoredKind, pick: number): Promise<string | undefined> {
  const entries = await readdir(join(store, kind), { recursive: true, withFileTypes: true }).catch(() => []);
  // The identity of the service is no artifact.
  const files = entries
    .filter((entry) => entry.isFile() && basename(entry.parentPath) !== 'service')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return files[Math.floor(pick * files.length)];
}

/**
 * Flips one bit of a file. The damaged content replaces the file: a process that has opened and verified the file before keeps
 * what it has verified, as it does with a file that is in memory while its disk decays.
 *
 * @param pick from 0 to 1, the position
 * @param folder on the same file system, for the new content
 * @returns false where the file is gone, or there is no room
 */
export async function flipBit(path: string, pick: number, folder: string): Promise<boolean> {
  const draft = join(folder, 'damaged');
  try {
    const bytes = await readFile(path);
    if (bytes.length === 0) return false;
    bytes[Math.floor(pick * bytes.length)] ^= 1;
    await mkdir(folder, { recursive: true });
    await writeFile(draft, bytes);
    await rename(draft, path);
    return true;
  } catch (error) {
    await rm(draft, { force: true });
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOSPC') return false;
    throw error;
  }
}

/** Removes a file; false where it is gone. */
export async function removeFile(path: string): Promise<boolean> {
  return rm(path).then(
    () => true,
    () => false,
  );
}
