import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, isTerminal, type JobView } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { artifactsOf, blobsNamedBy, sharedFolders } from '@distillery/training';

/** Notes what a job has in the store before the job is deleted, so that nothing stays behind unknown. */
export async function noteArtifacts(queue: DistilleryQueue, id: string): Promise<void> {
  await queue.control.leftovers.add(await namedByJob(queue, id));
}

/**
 * Artifacts are shared: equal weights are one blob, and a teacher and its outputs serve every job that asks for the
 * same ones. So what a deleted job leaves is removed only where no other job names it, and only while no job is queued or
 * running that could take it up at this moment; until then it is remembered.
 */
export async function collectArtifacts(queue: DistilleryQueue, store: Store, id: string): Promise<void> {
  // Checkpoints are the job's alone: their files hold its name.
  for (const digest of await takeManifests(store, `jobs/${id}`)) await store.remove(digest);
  const { leftovers } = queue.control;
  const left = await leftovers.list();
  const needed = left.length === 0 ? undefined : await neededByJobs(queue);
  if (needed === undefined) return;
  const free = left.filter((name) => !needed.has(name));
  const blobs = new Set(free.filter((name) => name.startsWith('blob:')));
  // Manifests go first: what cannot be found is not taken up.
  for (const name of free.filter((one) => !one.startsWith('blob:'))) {
    const taken = await takeManifests(store, name.slice('manifest:'.length));
    for (const digest of taken) blobs.add(blobName(digest));
  }
  for (const folder of sharedFolders()) {
    for (const name of await store.list(folder)) {
      for (const digest of await blobsIn(store, name)) blobs.delete(blobName(digest));
    }
  }
  for (const blob of blobs) if (!needed.has(blob)) await store.remove(blob.slice('blob:'.length));
  await leftovers.drop(left);
}

/** Removes a manifest and all below its name; returns the digests of the blobs that they named. */
async function takeManifests(store: Store, address: string): Promise<string[]> {
  const taken: string[] = [];
  for (const name of [address, ...(await store.list(address))]) {
    const digests = await blobsIn(store, name);
    await store.removeManifest(name);
    taken.push(...digests);
  }
  return taken;
}

async function blobsIn(store: Store, name: string): Promise<string[]> {
  const manifest = await store.manifest(name);
  return manifest === undefined ? [] : blobsNamedBy(name, manifest);
}

/** What a sweep has found, and has removed when asked to. */
export interface Swept {
  /** Orphaned: mostly those of writers that were killed before they could name them. */
  blobs: number;
  /** Their size. */
  bytes: number;
  /** Checkpoints of deleted jobs. */
  checkpoints: number;
}

/**
 * Finds orphaned blobs and the checkpoints of deleted jobs. A blob is put before it is named, so only those from before
 * `before` count as orphaned. The jobs of this queue must be the only ones that use the store.
 *
 * @throws DistilleryError `unsupported_job` or `state_conflict` when a job or a manifest is of another version of
 *   Distillery: what it names cannot be told, so nothing is removed
 */
export async function sweepStore(
  queue: DistilleryQueue,
  store: Store,
  { before, remove }: { before: Date; remove: boolean },
): Promise<Swept> {
  const swept: Swept = { blobs: 0, bytes: 0, checkpoints: 0 };
  const named = new Set<string>();
  const known = new Map<string, Promise<boolean>>();
  // A job is there before its checkpoints are, so one that is not there now has none among these names to come.
  for (const name of await store.list('')) {
    const [folder, id] = name.split('/');
    if (folder === 'jobs' && !known.has(id)) known.set(id, isThere(queue, id));
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

async function isThere(queue: DistilleryQueue, id: string): Promise<boolean> {
  try {
    await queue.jobs.get(id);
    return true;
  } catch (error) {
    if (error instanceof DistilleryError && error.code === 'job_not_found') return false;
    throw error;
  }
}

async function* everyJob(queue: DistilleryQueue): AsyncGenerator<JobView> {
  for (let after: string | undefined; ; ) {
    const page = await queue.jobs.list({ limit: 100, after });
    yield* page.jobs;
    if (page.next === null) return;
    after = page.next;
  }
}

/** What the jobs that are there have in the store; undefined while one of them may still take something up. */
async function neededByJobs(queue: DistilleryQueue): Promise<Set<string> | undefined> {
  const needed = new Set<string>();
  for await (const { id, state } of everyJob(queue)) {
    if (!isTerminal(state)) return undefined;
    for (const name of await namedByJob(queue, id)) needed.add(name);
  }
  return needed;
}

/** `manifest:<address>` and `blob:<digest>` of all that the results of a job name. */
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
