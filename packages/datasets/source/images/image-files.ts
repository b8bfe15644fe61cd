import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveEntries, MAX_FILE_BYTES, MAX_FILES } from '../archives/archive.ts';
import { fileFingerprint } from '../decoded.ts';
import { openRegularFile } from '../regular-file.ts';
import { allowedPath } from '../source-path.ts';
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

/** The files below a folder, with the real paths of those that a link leads to. */
type Listing = Omit<Survey, 'size'> & { places: ReadonlyMap<string, string> };

/** Enough to see that a folder holds nothing else. */
const mostOthers = 10_000;

interface Survey {
  names: string[];
  /** The first files that are no images. */
  others: string[];
  size: [number, number] | undefined;
  /** Files that were refused because of their name or kind. */
  refused: { name: string; reason: string }[];
}

/** @param roots the folders that links in a folder may lead to */
export async function openImageFiles(path: string, roots: readonly string[]): Promise<ImageFiles> {
  return (await stat(path)).isDirectory() ? folderFiles(path, roots) : archiveFiles(path);
}

function folderFiles(root: string, roots: readonly string[]): ImageFiles {
  let listing: Promise<Listing> | undefined;
  const list = (signal?: AbortSignal) => (listing ??= listFolder(root, roots, signal));
  const placeOf = async (name: string) => (await list()).places.get(name) ?? join(root, name);
  return {
    async fingerprint(signal) {
      const { names } = await list(signal);
      const files: [string, number, number][] = [];
      for (const name of names) {
        signal?.throwIfAborted();
        const { size, mtimeMs } = await stat(await placeOf(name));
        files.push([name, size, mtimeMs]);
      }
      return { folder: root, files };
    },
    async survey(signal) {
      const { names, others, refused } = await list(signal);
      let size: [number, number] | undefined;
      for (const name of names) {
        signal?.throwIfAborted();
        const bytes = await readImage(await placeOf(name)).catch(() => undefined);
        if (bytes !== undefined) size = await imageSize(bytes);
        if (size !== undefined) break;
      }
      return { names, others, size, refused };
    },
    async *contents(signal) {
      const { names } = await list(signal);
      for (const name of names) {
        signal?.throwIfAborted();
        yield { name, bytes: await readImage(await placeOf(name)).catch((error: Error) => error) };
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
 * Lists the images below a folder. Links are followed to files and folders below an allowed root; others are refused, and so is
 * a link to a folder that it lies in.
 *
 * @throws RangeError when there are more than `MAX_FILES` files
 */
async function listFolder(root: string, roots: readonly string[], signal?: AbortSignal): Promise<Listing> {
  const names: string[] = [];
  const others: string[] = [];
  const refused: Survey['refused'] = [];
  const places = new Map<string, string>();
  let entries = 0;
  const file = (name: string, place?: string) => {
    if (!isImageName(name)) {
      if (others.length < mostOthers) others.push(name);
      return;
    }
    names.push(name);
    if (place !== undefined) places.set(name, place);
  };
  /** @param around the real paths of the folders that it lies in, with its own */
  const walk = async (folder: string, place: string, around: readonly string[], linked: boolean) => {
    signal?.throwIfAborted();
    for (const entry of await readdir(place, { withFileTypes: true })) {
      if (++entries > MAX_FILES) throw new RangeError(`more than ${MAX_FILES} files`);
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const path = join(place, entry.name);
      if (entry.isDirectory()) await walk(name, path, [...around, path], linked);
      else if (entry.isFile()) file(name, linked ? path : undefined);
      else if (entry.isSymbolicLink()) await follow(name, path, around);
    }
  };
  const follow = async (name: string, path: string, around: readonly string[]) => {
    const real = await allowedPath(path, roots);
    const kind = real === undefined ? undefined : await stat(real);
    if (real === undefined || kind === undefined) {
      refused.push({ name, reason: 'is a link to nothing, or to a place outside the allowed folders' });
    } else if (kind.isFile()) file(name, real);
    else if (around.includes(real)) refused.push({ name, reason: 'is a link to a folder that it lies in' });
    else if (kind.isDirectory()) await walk(name, real, [...around, real], true);
  };
  await walk('', root, [root], false);
  return { names: names.sort(), others: others.sort(), refused, places };
}

function archiveFiles(path: string): ImageFiles {
  return {
    fingerprint: async () => ({ archive: await fileFingerprint(path) }),
    async survey(signal) {
      const names: string[] = [];
      const others: string[] = [];
      const refused: Survey['refused'] = [];
      let first: { name: string; size: [number, number] } | undefined;
      const refuse = (name: string, reason: string) => refused.push({ name, reason });
      for await (const entry of archiveEntries(path, refuse, signal)) {
        if (!isImageName(entry.name)) {
          if (others.length < mostOthers) others.push(entry.name);
          continue;
        }
        names.push(entry.name);
        if (first !== undefined && first.name < entry.name) continue;
        const size = await imageSize(await entry.read());
        if (size !== undefined) first = { name: entry.name, size };
      }
      return { names, others, size: first?.size, refused };
    },
    async *contents(signal) {
      for await (const entry of archiveEntries(path, undefined, signal)) {
        if (isImageName(entry.name)) yield { name: entry.name, bytes: await entry.read() };
      }
    },
  };
}
