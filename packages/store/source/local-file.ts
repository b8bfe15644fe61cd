import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DistilleryError } from '@distillery/spec/errors';
import { isIntact } from './intact.ts';
import { makeRoom, touch } from './make-room.ts';
import { checkDigest } from './names.ts';
import type { Store } from './store.ts';

export interface LocalFileOptions {
  /** The folder of the files, one on each machine. */
  folder: string;
  /** The most bytes of copies; those that were not used for the longest time go first. Default: 64 GiB. */
  mostBytes?: number;
  /** Whether the content of the store's own file is compared with the digest, once on each machine. Default: true. */
  verify?: boolean;
}

/**
 * Returns the path of a local file with the content of a blob, for libraries that read files by name. It is a link to the store's
 * own file where the store has one, and a verified copy otherwise.
 *
 * @param name the last part of the path
 * @throws DistilleryError `checkpoint_not_found` where the blob is absent, `artifact_corrupt` where it is damaged; those of the
 *   store
 */
export async function localFile(
  store: Store,
  { digest, name }: { digest: string; name: string },
  { folder, mostBytes = 64 * 2 ** 30, verify = true }: LocalFileOptions,
): Promise<string> {
  const place = join(folder, checkDigest(digest));
  const path = join(place, name);
  const blob = await store.stat(digest);
  if (blob === undefined) {
    await rm(place, { recursive: true, force: true });
    throw new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
  }
  await mkdir(place, { recursive: true, mode: 0o700 });
  const own = await store.localFile?.(digest);
  if (own === undefined) {
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== blob.size) {
      await makeRoom(folder, mostBytes - blob.size);
      await copy(store, digest, path);
    }
  } else {
    if (verify) await verifyOnce(store, digest, `${place}.verified`, own);
    await link(own, path);
  }
  await touch(place);
  return path;
}

/** Makes a link, or leaves the one that another process has just made. */
async function link(target: string, path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) !== undefined) return;
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Compares the store's file with its digest once on each machine, as long as it is the same file. */
async function verifyOnce(store: Store, digest: string, note: string, own: string): Promise<void> {
  const { ino, size } = await stat(own);
  const state = `${ino} ${size}`;
  if ((await readFile(note, 'utf8').catch(() => undefined)) === state) return;
  if (!(await isIntact(store, digest))) {
    throw new DistilleryError('artifact_corrupt', `the blob ${digest} is damaged`);
  }
  const draft = `${note}.${randomUUID()}`;
  await writeFile(draft, state);
  await rename(draft, note);
}

async function copy(store: Store, digest: string, path: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(await store.stream(digest), hashing, createWriteStream(draft, { mode: 0o600 }));
    if (hash.digest('hex') !== digest)
      throw new DistilleryError('artifact_corrupt', `the blob ${digest} is damaged`);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
