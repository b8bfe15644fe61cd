import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canonicalJson } from '@distillery/spec/digest';
import { manifestText, parseManifest } from '../../manifest.ts';
import { isDigest } from '../../names.ts';
import { satisfiableRange } from '../../range.ts';
import type { ManifestSchema, Store } from '../../store.ts';
import type { StoreContext } from '../../store-kind.ts';
import { openBlob, openReader, readVerified, slices } from '../../files/blob-file.ts';
import { fileTime, sweep } from '../../files/drafts.ts';
import { folderMaker, makeRoot, onDisk, syncFolder, unlessAbsent, withDraft } from '../../files/durable.ts';
import {
  areOneFile,
  collectNames,
  linkUnlessTaken,
  readManifestFile,
  replaceDamaged,
} from './manifest-file.ts';
import { pathsOf } from './paths.ts';
import { removeUnused, renewFile } from './removal.ts';

/**
 * Opens a store in a folder, which it makes where absent. Any number of processes may share it, on a file system
 * with hard links and atomic renames (every local one; NFS from version 3).
 *
 *     blobs/<2 hex>/<digest>    content, renamed into place when complete and synced
 *     manifests/<name>+manifest.json    linked into place, which fails where the name is taken (link(2))
 *     incoming/    files that are being written, or that a killed process left; swept on opening
 *
 * Empty folders stay, because removing one would race with a commit into it.
 *
 * @throws DistilleryError `store_unavailable` where the folder cannot be made or written
 */
export async function openFileStore(directory: string, { warn }: StoreContext): Promise<Store> {
  const root = resolve(directory);
  const paths = pathsOf(root);
  const { incoming } = paths;
  const makeFolder = folderMaker(root);

  await onDisk('open its folder', async () => {
    await makeRoot(root);
    await makeFolder(incoming);
    await sweep(incoming);
  });

  async function manifest<T>(name: string, schema?: ManifestSchema<T>): Promise<T | undefined> {
    const path = paths.manifest(name);
    const text = await onDisk('read a manifest', () => readManifestFile(path));
    if (text === undefined) return undefined;
    const read = parseManifest(text, schema);
    if ('manifest' in read) return read.manifest;
    warn(`the manifest ${name} is damaged and counts as absent: ${read.damage}`);
    return undefined;
  }

  return {
    url: pathToFileURL(root).href,

    async put(bytes) {
      const source = bytes instanceof Uint8Array ? slices(bytes) : bytes;
      return await withDraft(incoming, source, async ({ path, digest, size }) => {
        const target = paths.blob(digest);
        await makeFolder(dirname(target));
        await rename(path, target);
        await syncFolder(dirname(target));
        return { digest, size };
      });
    },

    async stat(digest) {
      const path = paths.blob(digest);
      const found = await onDisk('look for a blob', () => unlessAbsent(() => stat(path)));
      return found && { digest, size: found.size };
    },

    async read(digest) {
      const handle = await openBlob(paths.blob(digest), digest);
      return await onDisk('read a blob', () => readVerified(handle, digest));
    },

    async open(digest, options = {}) {
      return await openReader(paths.blob(digest), digest, options);
    },

    async stream(digest, range) {
      const handle = await openBlob(paths.blob(digest), digest);
      try {
        if (range === undefined) return handle.createReadStream();
        const { size } = await onDisk('read a blob', () => handle.stat());
        return handle.createReadStream(satisfiableRange(range, size));
      } catch (error) {
        await handle.close();
        throw error;
      }
    },

    async localFile(digest) {
      const path = paths.blob(digest);
      return (await onDisk('look for a blob', () => unlessAbsent(() => stat(path)))) && path;
    },

    async *blobs(before) {
      const namesIn = (folder: string) =>
        onDisk('list blobs', async () => (await unlessAbsent(() => readdir(folder)))?.sort() ?? []);
      for (const folder of await namesIn(paths.blobs)) {
        for (const digest of await namesIn(join(paths.blobs, folder))) {
          // A person may have left something else there.
          if (!isDigest(digest)) continue;
          const path = paths.blob(digest);
          const found = await onDisk('look at a blob', () => unlessAbsent(() => stat(path)));
          if (found !== undefined && found.mtime < before) yield { digest, size: found.size };
        }
      }
    },

    async renew(digest) {
      const path = paths.blob(digest);
      return await onDisk('renew a blob', async () => renewFile(path, await fileTime(incoming)));
    },

    async remove(digest, before) {
      const path = paths.blob(digest);
      return await onDisk('remove a blob', async () => {
        if (before !== undefined) return await removeUnused(path, before, incoming);
        await rm(path, { force: true });
        return true;
      });
    },

    async commit<T extends object>(name: string, committed: T, schema?: ManifestSchema<T>) {
      const path = paths.manifest(name);
      const text = manifestText(committed);
      return await withDraft(incoming, [Buffer.from(text)], async (draft) => {
        await makeFolder(dirname(path));
        for (;;) {
          const linked = await linkUnlessTaken(draft.path, path);
          // The loser syncs too: it must not act on a winner that a power cut could still undo.
          await syncFolder(dirname(path));
          if (linked || (await areOneFile(draft.path, path))) {
            return { created: true, manifest: JSON.parse(canonicalJson(committed)) as T };
          }
          const found = await readManifestFile(path);
          // The winner was removed between the two calls: the name is free again.
          if (found === undefined) continue;
          const standing = parseManifest(found, schema);
          if ('manifest' in standing) return { created: false, manifest: standing.manifest };
          warn(`the manifest ${name} is damaged and is replaced: ${standing.damage}`);
          await replaceDamaged(draft.path, path, found, incoming);
        }
      });
    },

    manifest,

    async renewManifest(name) {
      const path = paths.manifest(name);
      return await onDisk('renew a manifest', async () => renewFile(path, await fileTime(incoming)));
    },

    async removeManifest(name, before) {
      const path = paths.manifest(name);
      return await onDisk('remove a manifest', async () => {
        if (before === undefined) await rm(path, { force: true });
        else if (!(await removeUnused(path, before, incoming))) return false;
        // Otherwise a power cut could bring it back when its blobs are gone.
        await unlessAbsent(() => syncFolder(dirname(path)));
        return true;
      });
    },

    async list(prefix) {
      const names: string[] = [];
      await onDisk('list manifests', () => collectNames(paths.manifestFolder(prefix), prefix, names));
      return names.sort();
    },

    now: () => onDisk('write a file', () => fileTime(incoming)),
  };
}
