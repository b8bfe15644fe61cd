import { chmod, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Store } from '../store.ts';
import { pathsOf } from '../stores/file/paths.ts';

/** Returns the path of a blob of a file store, for tests that damage or remove it. */
export function blobFile({ url }: Pick<Store, 'url'>, digest: string): string {
  return pathsOf(fileURLToPath(url)).blob(digest);
}

/** Returns the path of a manifest of a file store. */
export function manifestFile({ url }: Pick<Store, 'url'>, name: string): string {
  return pathsOf(fileURLToPath(url)).manifest(name);
}

/**
 * Flips one bit of a file, as a failing disk would.
 *
 * @param at position of the byte; negative: from the end
 */
export async function flipByte(path: string, at = -1): Promise<void> {
  const bytes = await readFile(path);
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  await chmod(path, 0o600);
  await writeFile(path, bytes);
}
