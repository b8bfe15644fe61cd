import { rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { draftName } from '../../files/drafts.ts';
import { unlessAbsent } from '../../files/durable.ts';
import { linkUnlessTaken } from './manifest-file.ts';

/** Gives a file a time of last use; false where it is absent. */
export async function renewFile(path: string, at: Date): Promise<boolean> {
  return (await unlessAbsent(() => utimes(path, at, at).then(() => true))) ?? false;
}

/**
 * Removes a file unless it was written or renewed at or after a time. It is moved away before its time is read, so a process
 * that renews it at this moment either finds it absent or keeps it.
 *
 * @param folder on the same file system, for files that are moved away
 * @returns false where the file stays
 */
export async function removeUnused(path: string, before: Date, folder: string): Promise<boolean> {
  const isOld = async (file: string) => (await stat(file)).mtime < before;
  const found = await unlessAbsent(() => isOld(path));
  if (found !== true) return found === undefined;
  const away = join(folder, await draftName());
  if ((await unlessAbsent(() => rename(path, away).then(() => true))) === undefined) return true;
  const old = await isOld(away);
  // A new file may have taken its place; then that one stays.
  if (!old) await linkUnlessTaken(away, path);
  await rm(away, { force: true });
  return old;
}
