import { link, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '@distillery/spec/digest';
import { draftName } from '../../files/drafts.ts';
import { syncFolder, systemCode, unlessAbsent } from '../../files/durable.ts';
import { manifestSuffix } from '../../layout.ts';

/** Returns the text of a manifest's file, or undefined where it is absent. */
export async function readManifestFile(path: string): Promise<string | undefined> {
  return await unlessAbsent(() => readFile(path, 'utf8'));
}

/** Makes the link and returns true, or returns false where the name is taken. Unlike rename(2), link(2) never replaces. */
export async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether two names are links to one file. */
export async function areOneFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [a, b].map((path) => unlessAbsent(() => stat(path, { bigint: true }))),
  );
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

/**
 * Replaces a damaged manifest, once for all processes that try at the same time. The first of them links its draft to a
 * name that follows from the damage, and every one of them then moves that draft into place while the damage is still
 * there. So it does not matter which of them goes on, or is killed.
 *
 * @param draft the file of the new manifest
 * @param path the file of the damaged one
 * @param damaged its text
 * @param folder on the same file system, for the links
 */
export async function replaceDamaged(draft: string, path: string, damaged: string, folder: string) {
  const claim = join(folder, `repair.${sha256(`${path}\n${damaged}`)}`);
  await linkUnlessTaken(draft, claim);
  const own = join(folder, await draftName());
  const claimed = await unlessAbsent(() => link(claim, own).then(() => true));
  if (claimed && (await readManifestFile(path)) === damaged) await rename(own, path);
  await syncFolder(dirname(path));
  await rm(own, { force: true });
  await rm(claim, { force: true });
}

/** Collects the names of all manifests below a folder; `prefix` is the folder's own name. */
export async function collectNames(folder: string, prefix: string, names: string[]): Promise<void> {
  const entries = (await unlessAbsent(() => readdir(folder, { withFileTypes: true }))) ?? [];
  for (const entry of entries) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) await collectNames(join(folder, entry.name), name, names);
    else if (name.endsWith(manifestSuffix)) names.push(name.slice(0, -manifestSuffix.length));
  }
}
