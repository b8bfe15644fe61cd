import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@distillery/spec/digest';
import { asDistilleryError } from '@distillery/spec/errors';
import { openReader } from '../../files/blob-file.ts';
import { draftName, sweep } from '../../files/drafts.ts';
import { makeRoot, onDisk } from '../../files/durable.ts';
import { layout } from '../../layout.ts';
import { makeRoom, touch } from '../../make-room.ts';
import type { BlobReader, OpenOptions } from '../../store.ts';
import type { LocalCache } from '../../store-kind.ts';
import type { Bucket, ObjectInfo } from './bucket.ts';
import { fetchParts } from './download.ts';

/**
 * The local copies of blobs, for reads at any position. All processes of a machine share the folder; what was not used for the longest
 * time is removed first, and a file that is open stays readable.
 */
export interface LocalCopies {
  /** Files that are being written, for a source that is spooled. */
  incoming: string;
  /** Keeps a file that was just uploaded, so that its first reader need not fetch it. */
  keep(path: string, blob: { digest: string; size: number; etag: string }): Promise<void>;
  /** Opens a blob; its copy is fetched where there is none of the object as it now is. */
  open(digest: string, found: ObjectInfo, options: OpenOptions): Promise<BlobReader>;
}

/** Opens the folder of local copies of a bucket's blobs, which it makes where absent. */
export async function localCopies(bucket: Bucket, { folder, mostBytes }: LocalCache): Promise<LocalCopies> {
  const copies = join(folder, 'copies');
  const incoming = join(folder, 'incoming');
  await onDisk('make the folder of its local copies', async () => {
    for (const path of [copies, incoming]) await makeRoot(path);
    await sweep(incoming);
  });

  // An object that was replaced has another ETag, and its copy another name.
  const pathOf = (digest: string, etag: string) => join(copies, `${digest}.${sha256(etag).slice(0, 16)}`);
  const fetching = new Map<string, Promise<void>>();

  async function fetch(digest: string, size: number, path: string): Promise<void> {
    await makeRoom(copies, Math.max(0, mostBytes - size));
    const draft = join(incoming, await draftName());
    try {
      const file = await onDisk('open a file', () => open(draft, 'wx', 0o600));
      try {
        await fetchParts(bucket, layout.blob(digest), size, async (chunk, position) => {
          await onDisk('write', () => file.write(chunk, 0, chunk.length, position));
        });
        await onDisk('write', () => file.sync());
      } finally {
        await file.close();
      }
      await onDisk('keep a copy', () => rename(draft, path));
    } finally {
      await rm(draft, { force: true });
    }
  }

  async function copyOf(digest: string, { size, etag }: ObjectInfo): Promise<string> {
    const path = pathOf(digest, etag);
    if ((await stat(path).catch(() => undefined))?.size !== size) {
      let work = fetching.get(path);
      if (work === undefined) {
        work = fetch(digest, size, path).finally(() => fetching.delete(path));
        fetching.set(path, work);
      }
      await work;
    }
    await touch(path);
    return path;
  }

  return {
    incoming,
    async keep(path, { digest, size, etag }) {
      await makeRoom(copies, Math.max(0, mostBytes - size));
      await onDisk('keep a copy', () => rename(path, pathOf(digest, etag)));
    },
    async open(digest, found, options) {
      try {
        return await openReader(await copyOf(digest, found), digest, options);
      } catch (error) {
        if (asDistilleryError(error).code !== 'artifact_corrupt') throw error;
        // The copy may have decayed on this machine's disk: only a fresh one tells of the object.
        await rm(pathOf(digest, found.etag), { force: true });
        return await openReader(await copyOf(digest, found), digest, options);
      }
    },
  };
}
