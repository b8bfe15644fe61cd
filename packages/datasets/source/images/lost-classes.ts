import { splitNamed } from './split-folders.ts';
import type { Path } from './wrapper.ts';

/** Images of formats that are not read, and archives. A folder of other files, such as notes, is no class. */
const UNREAD =
  /\.(heic|heif|jp2|jxl|psd|svg|p[bgnp]m|tga|ico|pcx|exr|hdr|dng|cr2|nef|arw|npy|dcm|zip|tar|tgz|tar\.\w+|7z|rar)$/i;

/** What a source lists beside its images. */
export interface Unusable {
  /** Files that are no images. */
  others: readonly Path[];
  /** Files and links that were refused, and images that belong to no class. */
  refused: readonly (Path & { reason: string; isImage: boolean })[];
  /** Folders, with those that hold files. */
  folders: readonly Path[];
}

/**
 * Looks for folders of classes that would vanish because nothing in them can be used.
 *
 * @param classes those that have images
 * @param prefix the folders around those of splits or classes
 * @returns sentences about folders that are empty, and links in place of a folder
 * @throws RangeError that names a folder that holds only files of formats that are not read, or only refused ones
 */
export function lostClasses(
  { others, refused, folders }: Unusable,
  classes: readonly string[],
  { prefix, isSplit }: { prefix: readonly string[]; isSplit: boolean },
): string[] {
  const depth = prefix.length + (isSplit ? 1 : 0);
  /** The folder at the place of a class that a path leads to, unless the class has images. */
  const lost = ({ parts }: Path): string | undefined => {
    const isInside = prefix.every((part, at) => parts[at] === part);
    const isPlain = parts.every((part) => part !== '' && !part.startsWith('.'));
    if (!isInside || !isPlain || (isSplit && splitNamed(parts[depth - 1] ?? '') === undefined))
      return undefined;
    return classes.includes(parts[depth]) ? undefined : parts[depth];
  };
  const holds = (path: Path) => path.parts.length >= depth + 2 && lost(path) !== undefined;
  const unread = others.find((path) => UNREAD.test(path.name) && holds(path));
  if (unread !== undefined)
    throw new RangeError(
      `the folder "${lost(unread)}" holds no image that can be read, for example ${unread.name}: convert its files, or move it elsewhere`,
    );
  const kept = refused.find((path) => path.isImage && holds(path));
  if (kept !== undefined)
    throw new RangeError(
      `the folder "${lost(kept)}" holds no image that is used; ${kept.name} ${kept.reason}: put images into it, or remove it`,
    );
  const notes = new Map<string, string>();
  for (const path of refused) {
    const name = lost(path);
    if (name !== undefined && !path.isImage && path.parts.length === depth + 1)
      notes.set(name, `${path.name} ${path.reason}: "${name}" is no class`);
  }
  const filled = new Set(others.map(lost));
  for (const path of folders) {
    const name = lost(path);
    if (name === undefined || filled.has(name) || notes.has(name)) continue;
    notes.set(name, `the folder ${path.name} is empty: "${name}" is no class`);
  }
  return [...notes.values()];
}
