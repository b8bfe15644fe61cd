import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';
import { keptFolders, sharedFolders } from '@distillery/training';
import type { Logger } from 'pino';
import { blobName, blobsIn, manifestName, type NamedCache, namedByJobs } from './named.ts';
import { repeat } from './repeat.ts';
import { otherServices } from './services.ts';
import { unusedSince } from './unused.ts';

/** What a collection has removed. */
export interface Collected {
  blobs: number;
  bytes: number;
}

export interface CollectOptions {
  /** See `unusedSince`. */
  marginMs?: number | undefined;
  cache?: NamedCache;
}

/**
 * Removes the artifacts of deleted jobs that no other job names. Artifacts are shared: equal weights are one blob, and a
 * teacher and its outputs serve every job that asks for the same ones. It may run at any time, beside running jobs and in
 * several processes; what may still be in use stays noted for the next collection. While a backup holds the store, nothing is removed.
 */
export async function collectLeftovers(
  queue: DistilleryQueue,
  store: Store,
  options: CollectOptions = {},
): Promise<Collected> {
  const collected: Collected = { blobs: 0, bytes: 0 };
  return (await queue.hold.unless(() => collect(queue, store, options, collected))) ?? collected;
}

async function collect(
  queue: DistilleryQueue,
  store: Store,
  { marginMs, cache }: CollectOptions,
  collected: Collected,
): Promise<Collected> {
  const { leftovers } = queue.inventory;
  const left = await leftovers.take();
  if (left.length === 0 || (await otherServices(queue, store)).length > 0) return collected;
  const before = await unusedSince(queue, store, marginMs);
  const needed = new Set([...(await namedByJobs(queue, cache)).values()].flat());
  const [blobs, manifests] = [new Set<string>(), new Set<string>()];
  const done: string[] = [];
  for (const name of left) {
    if (needed.has(name)) done.push(name);
    else if (name.startsWith(blobName(''))) blobs.add(name.slice(blobName('').length));
    else manifests.add(name.slice(manifestName('').length));
  }
  // Manifests go first: without its manifest, no job can begin to use an artifact.
  for (const address of manifests) {
    const named: string[] = [];
    let stays = false;
    for (const name of [address, ...(await store.list(address))]) {
      const digests = await blobsIn(store, name);
      // Noted first, so that a crash in between loses none.
      await leftovers.add(digests.map(blobName));
      if (await store.removeManifest(name, before)) named.push(...digests);
      else stays = true;
    }
    for (const digest of named) blobs.add(digest);
    if (!stays) done.push(manifestName(address));
  }
  if (blobs.size > 0) {
    for (const digest of await blobsOfShared(store)) needed.add(blobName(digest));
  }
  for (const digest of blobs) {
    const found = needed.has(blobName(digest)) ? undefined : await store.stat(digest);
    if (found !== undefined) {
      if (!(await store.remove(digest, before))) continue;
      collected.blobs++;
      collected.bytes += found.size;
    }
    done.push(blobName(digest));
  }
  await leftovers.drop(done);
  return collected;
}

async function blobsOfShared(store: Store): Promise<string[]> {
  const digests: string[] = [];
  for (const folder of [...sharedFolders(), ...keptFolders]) {
    for (const name of await store.list(folder)) digests.push(...(await blobsIn(store, name)));
  }
  return digests;
}

export interface CollectorOptions extends Pick<CollectOptions, 'marginMs'> {
  /** Milliseconds between two collections; default: half a minute. */
  everyMs?: number | undefined;
}

/** Collects leftovers from time to time, until it is closed. */
export function startCollector(
  queue: DistilleryQueue,
  store: Store,
  log: Logger,
  { everyMs = 30_000, marginMs }: CollectorOptions = {},
) {
  const cache: NamedCache = new Map();
  return { close: repeat(everyMs, collectOnce).close };

  async function collectOnce(): Promise<void> {
    try {
      const collected = await collectLeftovers(queue, store, { marginMs, cache });
      if (collected.blobs > 0) log.info(collected, 'artifacts of deleted jobs were removed');
    } catch (error) {
      log.warn({ err: error }, 'artifacts of deleted jobs were not removed; it is tried again');
    }
  }
}
