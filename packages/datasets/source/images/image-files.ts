import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveEntries, MAX_FILE_BYTES, MAX_FILES } from '../archives/archive.ts';
import { fileFingerprint } from '../decoded.ts';
import { openRegularFile } from '../regular-file.ts';
import { imageSize } from './decode-image.ts';
import { isImageName } from './image-layout.ts';

/** The image files of a folder or an archive, by name. */
export interface ImageFiles {
  /** A value that changes when one of the files changes. */
  fingerprint(signal?: AbortSignal): Promise<unknown>;
  /** Lists all images, with `[height, width]` of the first one, by name, that has a readable header. */
  survey(signal?: AbortSignal): Promise<Survey>;
  /** Reads every image, in any order. A file that cannot be read gives its error in place of bytes. */
  contents(signal?: AbortSignal): AsyncIterable<{ name: string; bytes: Buffer | Error }>;
}

interface Survey {
  names: string[];
  size: [number, number] | undefined;
  /** Files that were refused because of their name or kind. */
  refused: { name: string; reason: string }[];
}

export async function openImageFiles(path: string): Promise<ImageFiles> {
  return (await stat(path)).isDirectory() ? folderFiles(path) : archiveFiles(path);
}

function folderFiles(root: string): ImageFiles {
  let listing: Promise<{ names: string[]; refused: Survey['refused'] }> | undefined;
  const list = (signal?: AbortSignal) => (listing ??= listFolder(root, signal));
  return {
    async fingerprint(signal) {
      const { names } = await list(signal);
      const files: [string, number, number][] = [];
      for (const name of names) {
        signal?.throwIfAborted();
        const { size, modified } = await fileFingerprint(join(root, name));
        files.push([name, size, modified]);
      }
      return { folder: root, files };
    },
    async survey(signal) {
      const { names, refused } = await list(signal);
      let size: [number, number] | undefined;
      for (const name of names) {
        signal?.throwIfAborted();
        const bytes = await readImage(join(root, name)).catch(() => undefined);
        if (bytes !== undefined) size = await imageSize(bytes);
        if (size !== undefined) break;
      }
      return { names, size, refused };
    },
    async *contents(signal) {
      const { names } = await list(signal);
      for (const name of names) {
        signal?.throwIfAborted();
        yield { name, bytes: await readImage(join(root, name)).catch((error: Error) => error) };
      }
    },
  };
}

/** @throws RangeError for a file that is too large, or none; the error of the system when it cannot be read */
export async function readImage(path: string): Promise<Buffer> {
  const file = await openRegularFile(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES) throw new RangeError(`is ${size} bytes long, more than ${MAX_FILE_BYTES}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Lists the images below a folder. Links are refused, because they may lead out of it.
 *
 * @throws RangeError when there are more than `MAX_FILES` files
 */
async function listFolder(
  root: string,
  signal?: AbortSignal,
): Promise<{ names: string[]; refused: Survey['refused'] }> {
  const names: string[] = [];
  const refused: Survey['refused'] = [];
  let entries = 0;
  const walk = async (folder: string) => {
    signal?.throwIfAborted();
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      if (++entries > MAX_FILES) throw new RangeError(`more than ${MAX_FILES} files`);
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await walk(name);
      else if (entry.isFile() && isImageName(name)) names.push(name);
      else if (entry.isSymbolicLink()) refused.push({ name, reason: 'is a symlink, not a file' });
    }
  };
  await walk('');
  return { names: names.sort(), refused };
}

function archiveFiles(path: string): ImageFiles {
  return {
    fingerprint: async () => ({ archive: await fileFingerprint(path) }),
    async survey(signal) {
      const names: string[] = [];
      const refused: Survey['refused'] = [];
      let first: { name: string; size: [number, number] } | undefined;
      const refuse = (name: string, reason: string) => refused.push({ name, reason });
      for await (const entry of archiveEntries(path, refuse, signal)) {
        if (!isImageName(entry.name)) continue;
        names.push(entry.name);
        if (first !== undefined && first.name < entry.name) continue;
        const size = await imageSize(await entry.read());
        if (size !== undefined) first = { name: entry.name, size };
      }
      return { names, size: first?.size, refused };
    },
    async *contents(signal) {
      for await (const entry of archiveEntries(path, undefined, signal)) {
        if (isImageName(entry.name)) yield { name: entry.name, bytes: await entry.read() };
      }
    },
  };
}
