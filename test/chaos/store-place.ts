import { cp, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Fault, layout, type S3TestServer, startS3Server } from '@distillery/store/testing';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { flipBit, removeFile, storedFile, type StoredKind } from './stored-files.ts';

/** What is stored of an artifact, and how it is damaged. */
interface StoredItem {
  name: string;
  /** Flips one bit; false where it is gone or there is no room. */
  flip(position: number): Promise<boolean>;
  /** False where it is gone. */
  remove(): Promise<boolean>;
}

/** Where the store of a chaos run is: in a folder of a small disk, or in a bucket of a server that fails. */
export interface StorePlace {
  /** The `STORE` of a process. */
  urlFor(dataDir: string): string;
  /** Undefined where this user may not mount one, and for a bucket. */
  disk: SmallDisk | undefined;
  /** Makes requests to the bucket go wrong until the returned function is called. Undefined for a folder. */
  fail: ((share: number, kinds: readonly Fault[]) => () => void) | undefined;
  /** Chooses a stored artifact by a number from 0 to 1; undefined in an empty store. */
  item(kind: StoredKind, pick: number): Promise<StoredItem | undefined>;
  /** Names of what unfinished writes have left. */
  unfinished(): Promise<string[]>;
  /** The digests of all blobs. */
  blobs(): Promise<string[]>;
  /** Copies everything to a folder, for a person who looks for the reason of a violation. */
  keep(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** The size of the disk that is filled from time to time. */
const diskMegabytes = 256;

export async function folderPlace(folder: string): Promise<StorePlace> {
  const disk = await mountSmallDisk(join(folder, 'store'), diskMegabytes);
  // A folder below the mount point, because the file that fills the disk is not part of the store.
  const place = join(folder, 'store', 'store');
  return {
    urlFor: () => pathToFileURL(place).href,
    disk,
    fail: undefined,
    async item(kind, pick) {
      const path = await storedFile(place, kind, pick);
      if (path === undefined) return undefined;
      return {
        name: basename(path),
        // Beside the store, on the same disk.
        flip: (position) => flipBit(path, position, `${place}-damage`),
        remove: () => removeFile(path),
      };
    },
    unfinished: async () => (await readdir(join(place, 'incoming'))).map((name) => `incoming/${name}`),
    async blobs() {
      const entries = await readdir(join(place, layout.blobs), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    async keep(to) {
      // The disk is gone with the run; a bucket's files are in the folder of the run.
      if (disk !== undefined) await cp(place, to, { recursive: true });
    },
    close: async () => disk?.unmount(),
  };
}

/** @param random numbers from 0 to 1, which decide the requests that fail */
export async function bucketPlace(folder: string, random: () => number): Promise<StorePlace> {
  const server = await startS3Server({ folder: join(folder, 'bucket') });
  // Short, so that a stalled answer is asked for again before a trainer counts as hanging.
  const base = server.storeUrl({ timeout: '2' });
  const dataDirs = new Set<string>();
  const failures = new Set<{ share: number; kinds: readonly Fault[] }>();
  server.faults = () => {
    for (const { share, kinds } of failures)
      if (random() < share) return kinds[Math.floor(random() * kinds.length)];
    return undefined;
  };
  return {
    urlFor(dataDir) {
      dataDirs.add(dataDir);
      return `${base}&cache=${encodeURIComponent(join(dataDir, 'store'))}`;
    },
    disk: undefined,
    fail(share, kinds) {
      const failure = { share, kinds };
      failures.add(failure);
      return () => failures.delete(failure);
    },
    async item(kind, pick) {
      const keys = (await server.keys(base)).filter(
        (key) => key.startsWith(`${kind}/`) && !key.startsWith(`${layout.manifests}/service/`),
      );
      const key = keys[Math.floor(pick * keys.length)];
      return key === undefined ? undefined : itemOf(server, base, key);
    },
    async unfinished() {
      const left: string[] = [];
      for (const dataDir of dataDirs) {
        const names = await readdir(join(dataDir, 'store', 'incoming')).catch(() => []);
        left.push(...names.map((name) => `${basename(dataDir)}: ${name}`));
      }
      return left;
    },
    async blobs() {
      const keys = await server.keys(base);
      return keys.filter((key) => key.startsWith(`${layout.blobs}/`)).map((key) => basename(key));
    },
    keep: async () => {},
    close: () => server.close(),
  };
}

function itemOf(server: S3TestServer, url: string, key: string): StoredItem {
  return {
    name: basename(key),
    async flip(position) {
      const bytes = await server.read(url, key);
      if (bytes === undefined || bytes.length === 0) return false;
      bytes[Math.floor(position * bytes.length)] ^= 1;
      await server.overwrite(url, key, bytes);
      return true;
    },
    async remove() {
      const there = (await server.read(url, key)) !== undefined;
      await server.remove(url, key);
      return there;
    },
  };
}
