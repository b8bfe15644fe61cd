import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { keptFolders } from '@distillery/training';
import { blobName, blobsIn, ifJobExists, isNamed, namedByJobs } from './named.ts';
import { otherServices, servicesFolder } from './services.ts';
import { unusedSince } from './unused.ts';

/** What a sweep has found, and has removed if asked to. */
export interface Swept {
  /** The number of orphaned blobs, mostly of writers that were killed before they could name them. */
  blobs: number;
  /** The size of these blobs, in bytes. */
  bytes: number;
  /** The number of checkpoints of deleted jobs. */
  checkpoints: number;
  /** The number of shared results (teachers, outputs, auxiliary networks) that no job names. */
  shared: number;
}

export interface SweepOptions {
  /** Only what was last used before this time, by the store's clock, counts. */
  before: Date;
  /** Whether what is found is removed. */
  remove: boolean;
  /** Whether it is removed also where something suggests that jobs are missing here. Default: false. */
  force?: boolean;
}

/** From this number on, more than half of all blobs are too many to be orphans. */
const fewBlobs = 10;

/**
 * Finds orphaned blobs, the checkpoints of deleted jobs, and shared results that no job names. The jobs of this queue must be
 * the only ones that use the store.
 *
 * @throws DistilleryError `unsupported_job` or `state_conflict` when another version of Distillery wrote a job or a manifest:
 *   its blobs are unknown to this version, so nothing is removed; `state_conflict` unless forced, when another service has
 *   used the store, or when most of it would be removed; `state_conflict` when a backup holds the store
 */
export async function sweepStore(
  queue: DistilleryQueue,
  store: Store,
  options: SweepOptions,
): Promise<Swept> {
  if (!options.remove) return sweep(queue, store, options);
  const swept = await queue.hold.unless(() => sweep(queue, store, options));
  if (swept !== undefined) return swept;
  throw heldError(await queue.hold.until());
}

async function sweep(
  queue: DistilleryQueue,
  store: Store,
  { before: wanted, remove, force = false }: SweepOptions,
): Promise<Swept> {
  const others = await otherServices(queue, store);
  if (remove && !force && others.length > 0) throw severalServices(others.length);
  const unused = await unusedSince(queue, store, 0);
  const before = wanted < unused ? wanted : unused;

  const old = new Map<string, number>();
  for await (const { digest, size } of store.blobs(before)) old.set(digest, size);
  // Read after the blobs: what is stored meanwhile is younger.
  const needed = new Set([...(await namedByJobs(queue)).values()].flat());
  const [checkpoints, shared]: string[][] = [[], []];
  const known = new Map<string, Promise<boolean>>();
  for (const name of await store.list('')) {
    const [folder, id] = name.split('/');
    if (folder === servicesFolder) continue;
    // A job exists before its checkpoints do, so a job that does not exist now will not begin to use one of these names.
    if (folder === 'jobs' && !known.has(id)) known.set(id, jobExists(queue, id));
    if (folder === 'jobs' && !(await known.get(id))) {
      checkpoints.push(name);
      continue;
    }
    const digests = await blobsIn(store, name);
    // What people have brought stays until they remove it.
    const isKept = folder === 'jobs' || keptFolders.includes(folder);
    const isUnused = !isKept && !isNamed(needed, name) && (await areOld(digests));
    if (isUnused) shared.push(name);
    else for (const digest of digests) needed.add(blobName(digest));
  }
  const orphans = new Map([...old].filter(([digest]) => !needed.has(blobName(digest))));
  if (remove && !force) await refuseMost(store, orphans.size);
  if (remove) {
    for (const name of checkpoints) await store.removeManifest(name);
    for (const name of shared) {
      const digests = await blobsIn(store, name);
      if (!(await store.removeManifest(name, before))) for (const digest of digests) orphans.delete(digest);
    }
    for (const digest of orphans.keys()) if (!(await store.remove(digest, before))) orphans.delete(digest);
    // From now on the store is this service's alone.
    for (const name of others) await store.removeManifest(name);
  }
  return {
    blobs: orphans.size,
    bytes: [...orphans.values()].reduce((sum, size) => sum + size, 0),
    checkpoints: checkpoints.length,
    shared: shared.length,
  };

  async function areOld(digests: readonly string[]): Promise<boolean> {
    for (const digest of digests) {
      if (!old.has(digest) && (await store.stat(digest)) !== undefined) return false;
    }
    return true;
  }
}

/** The error for a removal while a backup holds the store. */
export function heldError(until: Date | null): DistilleryError {
  const end = until === null ? '' : ` until ${until.toISOString()}`;
  return new DistilleryError(
    'state_conflict',
    `a backup holds the store${end}, so nothing is removed: repeat this after "distill backup end"`,
  );
}

function severalServices(count: number): DistilleryError {
  const who = count === 1 ? 'another service has' : `${count} other services have`;
  return new DistilleryError(
    'state_conflict',
    `${who} used this store, or this service's Redis has lost its data: what looks unused here may belong to jobs that are ` +
      'unknown here. Nothing was removed; force the sweep only when no other service needs the store',
  );
}

async function refuseMost(store: Store, orphans: number): Promise<void> {
  let all = 0;
  for await (const _ of store.blobs(new Date(8.64e15))) all++;
  if (orphans < fewBlobs || orphans * 2 <= all) return;
  throw new DistilleryError(
    'state_conflict',
    `${orphans} of the ${all} files in the store would be removed, which suggests that jobs are missing from Redis. Nothing ` +
      'was removed; force the sweep when that is right',
  );
}

function jobExists(queue: DistilleryQueue, id: string): Promise<boolean> {
  return ifJobExists(
    queue.jobs.header(id).then(() => true),
    false,
  );
}
