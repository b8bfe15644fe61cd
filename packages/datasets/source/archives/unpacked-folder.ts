import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '@distillery/spec';
import { makeRoom, touch } from '@distillery/store';
import { type DatasetContext, defaultDiskBytes } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { noteLocalFile, storedContent } from '../stored-file.ts';
import { archiveEntries, type ArchiveEntry } from './archive.ts';

type UnpackContext = Pick<DatasetContext, 'cacheDir' | 'diskBytes' | 'signal'>;

/**
 * Unpacks the files of an archive whose names match a pattern into one folder of the cache, once as long as the archive stays the
 * same. Folders within the archive do not matter.
 *
 * @throws RangeError for a file that is no archive, and for the same name in two folders; the errors of reading and unpacking
 */
export async function unpackedFolder(path: string, pattern: RegExp, context: UnpackContext): Promise<string> {
  const folder = await unpackedOnce(path, pattern.source, context, async (name, entry, draft) => {
    const base = name.split('/').at(-1) ?? '';
    if (!pattern.test(base) || base.startsWith('.')) return;
    await writeFile(join(draft, base), await entry.read(), { flag: 'wx' }).catch(
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === 'EEXIST') throw new RangeError(`holds several files named ${base}`, { cause });
        throw cause;
      },
    );
  });
  // The digest of the archive also identifies what is in it.
  const stored = storedContent(path);
  if (stored !== undefined) {
    for (const name of await readdir(folder)) noteLocalFile(join(folder, name), { ...stored, name });
  }
  return folder;
}

/**
 * Unpacks all files of an archive into a folder of the cache, in their own folders, once as long as the archive stays the same. The
 * first of two entries with a name counts.
 *
 * @throws RangeError for a file that is no archive; the errors of reading and unpacking
 */
export function unpackedTree(path: string, context: UnpackContext): Promise<string> {
  return unpackedOnce(path, 'tree', context, async (name, entry, draft) => {
    await mkdir(dirname(join(draft, name)), { recursive: true });
    await writeFile(join(draft, name), await entry.read(), { flag: 'wx' }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  });
}

/** @param what the part of the archive that is unpacked */
async function unpackedOnce(
  path: string,
  what: string,
  { cacheDir, diskBytes = defaultDiskBytes, signal }: UnpackContext,
  write: (name: string, entry: ArchiveEntry, draft: string) => Promise<void>,
): Promise<string> {
  const all = join(cacheDir, 'unpacked');
  const folder = join(all, digestOf([await fileFingerprint(path), what]));
  if ((await readdir(folder).catch(() => undefined)) !== undefined) {
    await touch(folder);
    return folder;
  }
  const draft = `${folder}.${randomUUID()}.tmp`;
  await mkdir(draft, { recursive: true });
  try {
    let bytes = 0;
    for await (const entry of archiveEntries(path, undefined, signal)) {
      bytes += entry.size;
      if (bytes > diskBytes)
        throw new RangeError(`unpacks to more than ${diskBytes} bytes, which the setting DATA_DISK allows`);
      await write(entry.name, entry, draft);
    }
    await rename(draft, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process has unpacked it meanwhile.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    await makeRoom(all, diskBytes);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}
