import { createHash } from 'node:crypto';
import { type FileHandle, link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { canonicalJson, DistilleryError } from '@distillery/spec';
import { sweep } from './drafts.ts';
import { folderMaker, makeRoot, onDisk, syncFolder, systemCode, withDraft } from './durable.ts';
import { checkDigest, checkName, checkPrefix, isDigest } from './names.ts';
import { satisfiableRange } from './range.ts';
import type { Store } from '../store.ts';

// A plus sign cannot be part of a name, so the file of `a` never meets the folder of `a/b`, nor that of `a.json/b`.
const suffix = '+manifest.json';
const chunkBytes = 4 * 1024 * 1024;

/**
 * Opens a store in a folder, which it makes where absent. Any number of processes may share it, on a file system
 * with hard links and atomic renames (every local one; NFS from version 3).
 *
 *     blobs/<2 hex>/<digest>    content, renamed into place when complete and synced
 *     manifests/<name>+manifest.json    linked into place, which fails where the name is taken (link(2))
 *     incoming/    files that are being written, or that a killed process left; swept on opening
 *
 * Emptied folders stay: to remove one would race with a commit into it.
 * @throws `store_unavailable` where the folder cannot be made or written.
 */
export async function openDiskStore(directory: string): Promise<Store> {
  const root = resolve(directory);
  const incoming = join(root, 'incoming');
  const manifests = join(root, 'manifests');
  const makeFolder = folderMaker(root);

  await onDisk('open its folder', async () => {
    await makeRoot(root);
    await makeFolder(incoming);
    await sweep(incoming);
  });

  const blobPath = (digest: string) => join(root, 'blobs', checkDigest(digest).slice(0, 2), digest);
  const manifestPath = (name: string) => join(manifests, checkName(name)) + suffix;

  const store: Store = {
    async put(bytes) {
      const source = bytes instanceof Uint8Array ? slices(bytes) : bytes;
      return await withDraft(incoming, source, async ({ path, digest, size }) => {
        const target = blobPath(digest);
        await makeFolder(dirname(target));
        await rename(path, target);
        await syncFolder(dirname(target));
        return { digest, size };
      });
    },

    async stat(digest) {
      const path = blobPath(digest);
      const found = await onDisk('look for a blob', () => unlessAbsent(() => stat(path)));
      return found && { digest, size: found.size };
    },

    async read(digest) {
      const handle = await openBlob(blobPath(digest), digest);
      return await onDisk('read a blob', () => readVerified(handle, digest));
    },

    async stream(digest, range) {
      const handle = await openBlob(blobPath(digest), digest);
      try {
        if (range === undefined) return handle.createReadStream();
        const { size } = await onDisk('read a blob', () => handle.stat());
        return handle.createReadStream(satisfiableRange(range, size));
      } catch (error) {
        await handle.close();
        throw error;
      }
    },

    async localPath(digest) {
      const path = blobPath(digest);
      if ((await store.stat(digest)) === undefined) throw unknownBlob(digest);
      return path;
    },

    async *blobs(before) {
      const top = join(root, 'blobs');
      const namesIn = (folder: string) =>
        onDisk('list blobs', async () => (await unlessAbsent(() => readdir(folder)))?.sort() ?? []);
      for (const folder of await namesIn(top)) {
        for (const digest of await namesIn(join(top, folder))) {
          // A person may have left something else there.
          if (!isDigest(digest)) continue;
          const found = await onDisk('look at a blob', () => unlessAbsent(() => stat(blobPath(digest))));
          if (found !== undefined && found.mtime < before) yield { digest, size: found.size };
        }
      }
    },

    async remove(digest) {
      const path = blobPath(digest);
      await onDisk('remove a blob', () => rm(path, { force: true }));
    },

    async commit<T>(name: string, manifest: T) {
      const path = manifestPath(name);
      const text = canonicalJson(manifest);
      return await withDraft(incoming, [Buffer.from(text)], async (draft) => {
        await makeFolder(dirname(path));
        for (;;) {
          const created = await linkUnlessTaken(draft.path, path);
          // The loser syncs too: it must not act on a winner that a power cut could still undo.
          await syncFolder(dirname(path));
          const standing = created ? (JSON.parse(text) as T) : await store.manifest<T>(name);
          if (standing !== undefined) return { created, manifest: standing };
          // The winner was removed between the two calls: the name is free again.
        }
      });
    },

    async manifest<T>(name: string) {
      const path = manifestPath(name);
      const text = await onDisk('read a manifest', () => unlessAbsent(() => readFile(path, 'utf8')));
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as T;
      } catch (cause) {
        throw new DistilleryError('artifact_corrupt', `the manifest ${name} is not JSON`, { cause });
      }
    },

    async removeManifest(name) {
      const path = manifestPath(name);
      await onDisk('remove a manifest', async () => {
        await rm(path, { force: true });
        // Else a power cut could bring it back when its blobs are gone.
        await unlessAbsent(() => syncFolder(dirname(path)));
      });
    },

    async list(prefix) {
      const names: string[] = [];
      await onDisk('list manifests', () => collect(join(manifests, checkPrefix(prefix)), prefix, names));
      return names.sort();
    },
  };
  return store;
}

/** A hash takes at most 2 GiB at once, and one long update would hold the event loop. */
function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function unknownBlob(digest: string): DistilleryError {
  return new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
}

async function openBlob(path: string, digest: string): Promise<FileHandle> {
  const handle = await onDisk('open a blob', () => unlessAbsent(() => open(path, 'r')));
  if (handle === undefined) throw unknownBlob(digest);
  return handle;
}

async function readVerified(handle: FileHandle, digest: string): Promise<Uint8Array> {
  const hash = createHash('sha256');
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(chunkBytes, size - at), at);
      if (bytesRead === 0) break;
      hash.update(bytes.subarray(at, at + bytesRead));
      at += bytesRead;
    }
    const actual = hash.digest('hex');
    if (actual === digest) return bytes;
    const message = `the blob ${digest} is damaged: its ${size} bytes have the digest ${actual}`;
    throw new DistilleryError('artifact_corrupt', message);
  } finally {
    await handle.close();
  }
}

/** Whether the link was made; false where the name is taken. Unlike rename(2), link(2) never replaces. */
async function linkUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function collect(folder: string, prefix: string, names: string[]): Promise<void> {
  const entries = (await unlessAbsent(() => readdir(folder, { withFileTypes: true }))) ?? [];
  for (const entry of entries) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) await collect(join(folder, entry.name), name, names);
    else if (name.endsWith(suffix)) names.push(name.slice(0, -suffix.length));
  }
}
