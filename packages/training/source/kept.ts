import { datasetsFolder, fetchesFolder, profilesFolder } from './datasets/folders.ts';
import { networkBlobs, networksFolder } from './networks/kept-networks.ts';

/** The folder of the store with the uploads of people, and what was received of each. */
export const uploadsFolder = 'uploads';

/** The SHA-256 digests that a manifest of one's own form contains: all of them are those of blobs. */
const everyDigest = (manifest: unknown): string[] => [
  ...new Set(JSON.stringify(manifest).match(/\b[0-9a-f]{64}\b/g) ?? []),
];

/** The folders whose manifests stay until people remove them, each with a function that finds the blobs of a manifest. */
const folders: Readonly<Record<string, (manifest: unknown) => string[]>> = {
  [networksFolder]: networkBlobs,
  [uploadsFolder]: everyDigest,
  [datasetsFolder]: everyDigest,
  [fetchesFolder]: everyDigest,
  // Thumbnails and numbers, but no file.
  [profilesFolder]: () => [],
};

export const keptFolders: readonly string[] = Object.keys(folders);

/** The blobs that a manifest of a kept folder names; undefined for another folder. */
export function keptBlobs(folder: string, manifest: unknown): string[] | undefined {
  return folders[folder]?.(manifest);
}
