import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveEntries, MAX_FILES } from '../archives/archive.ts';
import { archiveFormats } from '../archives/formats.ts';
import { unpackedTree } from '../archives/unpacked-folder.ts';
import type { DatasetContext } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { allowedPath } from '../source-path.ts';
import { imageSize } from './decode-image.ts';
import { isImageName } from './image-layout.ts';
import {
  filePlaces,
  type FileState,
  fileStates,
  type Placed,
  readImage,
  withoutPath,
} from './image-places.ts';

/** The image files of a folder or an archive, by name. */
export interface ImageFiles {
  /** The folder or the archive. */
  readonly path: string;
  /** A value that changes when one of the files changes, wherever the folder or the archive is. */
  fingerprint(signal?: AbortSignal): Promise<unknown>;
  /** Lists all images, with the sizes of some that have readable headers. */
  survey(signal?: AbortSignal): Promise<Survey>;
  /**
   * Reads images, in any order. A file that cannot be read gives its error in place of bytes.
   *
   * @param wanted the names of those that are read. Default: all
   */
  contents(
    signal?: AbortSignal,
    wanted?: ReadonlySet<string>,
  ): AsyncIterable<{ name: string; bytes: Buffer | Error }>;
  /**
   * Tells where images are, for reading them in any order. An archive that can only be read from its beginning is unpacked into
   * the cache first.
   *
   * @returns for each name its place, as `openPlaces` takes it, and the archive that the places are in, if it is one
   */
  places(names: readonly string[], context: DatasetContext): Promise<Placed>;
}

/** The files below a folder, with the real paths of those that a link leads to. */
type Listing = Omit<Survey, 'sizes'> & { places: ReadonlyMap<string, string> };

/** How many images are looked at for the size of all. */
const surveyed = 64;
/** Enough to see that a folder holds nothing else. */
const mostOthers = 10_000;

interface Survey {
  names: string[];
  /** The first files that are no images. */
  others: string[];
  /** `[height, width]` of at most `surveyed` images. */
  sizes: [number, number][];
  /** Files that were refused because of their name or kind. */
  refused: { name: string; reason: string }[];
  /** The first folders. */
  folders: string[];
}

/** @param roots the folders that links in a folder may lead to */
export async function openImageFiles(path: string, roots: readonly string[]): Promise<ImageFiles> {
  return (await stat(path)).isDirectory() ? folderFiles(path, roots) : archiveFiles(path);
}

function folderFiles(root: string, roots: readonly string[]): ImageFiles {
  let listing: Promise<Listing> | undefined;
  const list = (signal?: AbortSignal) => (listing ??= listFolder(root, roots, signal));
  const placeOf = async (name: string) => (await list()).places.get(name) ?? join(root, name);
  let states: Promise<Map<string, FileState>> | undefined;
  const statesOf = (signal?: AbortSignal) =>
    (states ??= list(signal).then(({ names }) => fileStates(names, placeOf, signal)));
  return {
    path: root,
    async fingerprint(signal) {
      const files = [...(await statesOf(signal))].map(([name, { size, modified }]) => [name, size, modified]);
      return { files };
    },
    async places(names, { signal }) {
      return filePlaces(names, await statesOf(signal));
    },
    async survey(signal) {
      const { names, others, refused, folders } = await list(signal);
      const sizes: [number, number][] = [];
      // Spread over all names, which begin with the class.
      const step = Math.max(1, Math.ceil(names.length / surveyed));
      for (const name of [...names.keys()].filter((at) => at % step === 0).map((at) => names[at])) {
        signal?.throwIfAborted();
        const bytes = await readImage(await placeOf(name)).catch(() => undefined);
        const size = bytes && (await imageSize(bytes));
        if (size !== undefined) sizes.push(size);
      }
      return { names, others, sizes, refused, folders };
    },
    async *contents(signal, wanted) {
      const { names } = await list(signal);
      for (const name of names) {
        if (wanted?.has(name) === false) continue;
        signal?.throwIfAborted();
        yield { name, bytes: await readImage(await placeOf(name)).catch((error: Error) => error) };
      }
    },
  };
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
  const folders: string[] = [];
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
    if (folder !== '' && folders.length < mostOthers) folders.push(folder);
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
  return { names: names.sort(), others: others.sort(), refused, folders: folders.sort(), places };
}

/** The place of each entry of an archive, by its name. The first of two entries with a name counts. */
async function placesIn(path: string, signal?: AbortSignal): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  for await (const { name, place } of archiveEntries(path, undefined, signal)) {
    if (place !== undefined && !places.has(name)) places.set(name, place);
  }
  return places;
}

function archiveFiles(path: string): ImageFiles {
  let entryPlaces: Promise<Map<string, string>> | undefined;
  return {
    path,
    async fingerprint() {
      return { archive: withoutPath(await fileFingerprint(path)) };
    },
    async survey(signal) {
      const names: string[] = [];
      const others: string[] = [];
      const refused: Survey['refused'] = [];
      const sizes: [number, number][] = [];
      const folders: string[] = [];
      const refuse = (name: string, reason: string) => refused.push({ name, reason });
      const folder = (name: string) => folders.length < mostOthers && folders.push(name);
      for await (const entry of archiveEntries(path, refuse, signal, folder)) {
        if (!isImageName(entry.name)) {
          if (others.length < mostOthers) others.push(entry.name);
          continue;
        }
        names.push(entry.name);
        if (sizes.length >= surveyed) continue;
        const size = await imageSize(await entry.read());
        if (size !== undefined) sizes.push(size);
      }
      return { names, others, sizes, refused, folders };
    },
    async *contents(signal, wanted) {
      for await (const entry of archiveEntries(path, undefined, signal)) {
        if (isImageName(entry.name) && wanted?.has(entry.name) !== false)
          yield { name: entry.name, bytes: await entry.read() };
      }
    },
    async places(names, context) {
      if ((await archiveFormats.of(path)).open === undefined) {
        const folder = await unpackedTree(path, context);
        return filePlaces(names, await fileStates(names, async (name) => join(folder, name), context.signal));
      }
      const places = await (entryPlaces ??= placesIn(path, context.signal));
      return { archive: path, places: names.map((name) => places.get(name) as string) };
    },
  };
}
