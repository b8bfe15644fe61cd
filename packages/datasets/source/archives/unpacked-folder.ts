import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@distillery/spec';
import type { DatasetContext } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { noteLocalFile, storedContent } from '../stored-file.ts';
import { archiveEntries } from './archive.ts';

/**
 * Unpacks the files of an archive whose names match a pattern into one folder of the cache, once as long as the archive stays the
 * same. Folders within the archive do not matter.
 *
 * @throws RangeError for a file that is no archive, and for the same name in two folders; the errors of reading and unpacking
 */
export async function unpackedFolder(
  path: string,
  pattern: RegExp,
  { cacheDir, signal }: Pick<DatasetContext, 'cacheDir' | 'signal'>,
): Promise<string> {
  const folder = join(cacheDir, 'unpacked', digestOf([await fileFingerprint(path), pattern.source]));
  const found = await readdir(folder).catch(() => undefined);
  if (found === undefined) await unpack(path, pattern, folder, signal);
  // The digest of the archive also identifies what is in it.
  const stored = storedContent(path);
  if (stored !== undefined) {
    for (const name of await readdir(folder)) noteLocalFile(join(folder, name), { ...stored, name });
  }
  return folder;
}

async function unpack(
  path: string,
  pattern: RegExp,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const draft = `${folder}.${randomUUID()}.tmp`;
  await mkdir(draft, { recursive: true });
  try {
    for await (const entry of archiveEntries(path, undefined, signal)) {
      const name = entry.name.split('/').at(-1) ?? '';
      if (!pattern.test(name) || name.startsWith('.')) continue;
      await writeFile(join(draft, name), await entry.read(), { flag: 'wx' }).catch(
        (cause: NodeJS.ErrnoException) => {
          if (cause.code === 'EEXIST') throw new RangeError(`holds several files named ${name}`, { cause });
          throw cause;
        },
      );
    }
    await rename(draft, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process has unpacked it meanwhile.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
