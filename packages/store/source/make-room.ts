import { lstat, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** What was used within this time stays, whatever the bound: a process may be reading it. */
const inUseMs = 60 * 60 * 1000;
/** stat(2) counts the space of a file in blocks of so many bytes, also of a file with holes. */
const blockBytes = 512;

/**
 * Removes the entries of a folder, files or folders with files, that were not used for the longest time, until the others take at
 * most so many bytes of the disk. What was used within the last hour stays.
 *
 * @returns the bytes that the entries take that are left
 */
export async function makeRoom(folder: string, mostBytes: number): Promise<number> {
  const entries: { path: string; bytes: number; used: number }[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const used = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
    entries.push({ path, bytes: await bytesOnDisk(path), used });
  }
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes, used } of entries.sort((a, b) => a.used - b.used)) {
    if (total <= mostBytes || Date.now() - used < inUseMs) break;
    await rm(path, { recursive: true, force: true });
    total -= bytes;
  }
  return total;
}

/** Notes that an entry of a bounded folder is used now. */
export async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

async function bytesOnDisk(path: string): Promise<number> {
  const own = await lstat(path).catch(() => undefined);
  if (own === undefined) return 0;
  // A file with holes takes less than its size, and a small one is counted as what it holds.
  if (!own.isDirectory()) return Math.min(own.size, own.blocks * blockBytes);
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await bytesOnDisk(join(path, name));
  return bytes;
}
