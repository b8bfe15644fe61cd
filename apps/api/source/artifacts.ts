import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, isTerminal, type JobSummary } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { artifactsOf, blobsNamedBy, sharedFolders } from '@distillery/training';

/** Records what a job has in the store before the job is deleted, so that a later collection finds all of it. */
export async function noteArtifacts(queue: DistilleryQueue, id: string): Promise<void> {
  await queue.control.leftovers.add(await namedByJob(queue, id));
}

/**
 * Removes what deleted jobs have left in the store.
 *
 * Artifacts are shared: equal weights are one blob, and a teacher and its outputs serve every job that asks for the same
 * ones. So an artifact is removed only when no other job names it, and only while no job is queued or running, because
 * such a job could begin to use it at this moment. Until then it stays recorded.
 */
export async function collectArtifacts(queue: DistilleryQueue, store: Store, id: string): Promise<void> {
  // Checkpoints belong to one job: their manifests are below its id.
  for (const digest of await removeManifests(store, `jobs/${id}`)) await store.remove(digest);
  const { leftovers } = queue.control;
  const left = await leftovers.list();
  const needed = left.length === 0 ? undefined : await neededByJobs(queue);
  if (needed === undefined) return;
  const free = left.filter((name) => !needed.has(name));
  const blobs = new Set(free.filter((name) => name.startsWith('blob:')));
  // Manifests go first: without its manifest, no job can begin to use an artifact.
  for (const name of free.filter((one) => !one.startsWith('blob:'))) {
    const removed = await removeManifests(store, name.slice('manifest:'.length));
    for (const digest of removed) blobs.add(blobName(digest));
  }
  for (const folder of sharedFolders()) {
    for (const name of await store.list(folder)) {
      for (const digest of await blobsIn(store, name)) blobs.delete(blobName(digest));
    }
  }
  for (const blob of blobs) if (!needed.has(blob)) await store.remove(blob.slice('blob:'.length));
  await leftovers.drop(left);
}

/** Removes a manifest and all manifests below its name, and returns the digests of the blobs that they named. */
async function removeManifests(store: Store, address: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of [address, ...(await store.list(address))]) {
    const digests = await blobsIn(store, name);
    await store.removeManifest(name);
    removed.push(...digests);
  }
  return removed;
}

async function blobsIn(store: Store, name: string): Promise<string[]> {
  const manifest = await store.manifest(name);
  return manifest === undefined ? [] : blobsNamedBy(name, manifest);
}

/** What a sweep has found, and has removed if asked to. */
export interface Swept {
  /** The number of orphaned blobs, mostly of writers that were killed before they could name them. */
  blobs: number;
  /** The size of these blobs, in bytes. */
  bytes: number;
  /** The number of checkpoints of deleted jobs. */
  checkpoints: number;
}

/**
 * Finds orphaned blobs and the checkpoints of deleted jobs. A blob is written before it is named, so only those from before
 * `before` count as orphaned. The jobs of this queue must be the only ones that use the store.
 *
 * @throws DistilleryError `unsupported_job` or `state_conflict` when another version of Distillery wrote a job or
 *   a manifest: its blobs are unknown to this version, so nothing is removed
 */
export async function sweepStore(
  queue: DistilleryQueue,
  store: Store,
  { before, remove }: { before: Date; remove: boolean },
): Promise<Swept> {
  const swept: Swept = { blobs: 0, bytes: 0, checkpoints: 0 };
  const named = new Set<string>();
  const known = new Map<string, Promise<boolean>>();
  // A job exists before its checkpoints do, so a job that does not exist now will not begin to use one of these names.
  for (const name of await store.list('')) {
    const [folder, id] = name.split('/');
    if (folder === 'jobs' && !known.has(id)) known.set(id, jobExists(queue, id));
    if (folder === 'jobs' && !(await known.get(id))) {
      swept.checkpoints++;
      if (remove) await store.removeManifest(name);
    } else for (const digest of await blobsIn(store, name)) named.add(blobName(digest));
  }
  for await (const { id } of everyJob(queue)) {
    for (const name of await namedByJob(queue, id)) named.add(name);
  }
  for await (const { digest, size } of store.blobs(before)) {
    if (named.has(blobName(digest))) continue;
    swept.blobs++;
    swept.bytes += size;
    if (remove) await store.remove(digest);
  }
  return swept;
}

async function jobExists(queue: DistilleryQueue, id: string): Promise<boolean> {
  try {
    await queue.jobs.get(id);
    return true;
  } catch (error) {
    if (error instanceof DistilleryError && error.code === 'job_not_found') return false;
    throw error;
  }
}

async function* everyJob(queue: DistilleryQueue): AsyncGenerator<JobSummary> {
  for (let after: string | undefined; ; ) {
    const page = await queue.jobs.list({ limit: 100, after });
    yield* page.jobs;
    if (page.next === null) return;
    after = page.next;
  }
}

/** Returns what all jobs have in the store; undefined while an unfinished job may begin to use more. */
async function neededByJobs(queue: DistilleryQueue): Promise<Set<string> | undefined> {
  const needed = new Set<string>();
  for await (const { id, state } of everyJob(queue)) {
    if (!isTerminal(state)) return undefined;
    for (const name of await namedByJob(queue, id)) needed.add(name);
  }
  return needed;
}

/** Returns `manifest:<address>` and `blob:<digest>` for everything that the results of a job name. */
async function namedByJob(queue: DistilleryQueue, id: string): Promise<string[]> {
  const [{ stages }, results] = await Promise.all([queue.jobs.plan(id), queue.jobs.results(id)]);
  return stages.flatMap((stage) => {
    const result = results[stage.id];
    if (result === undefined) return [];
    const { blobs, shared } = artifactsOf(stage, result);
    return [...blobs.map(blobName), ...shared.map((address) => `manifest:${address}`)];
  });
}

function blobName(digest: string): string {
  return `blob:${digest}`;
}
