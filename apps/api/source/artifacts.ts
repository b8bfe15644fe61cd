import type { Store } from '@distillery/store';
import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, isTerminal, type JobView } from '@distillery/spec';

/** Notes what a job has in the store, before the job is forgotten: nothing is left that nobody knows of. */
export async function noteArtifacts(
  queue: DistilleryQueue,
  results: Readonly<Record<string, unknown>>,
): Promise<void> {
  await queue.control.leftovers.add([...namedIn(results)]);
}

/**
 * Artifacts are shared: equal weights are one blob, and a teacher and its outputs serve every job that asks for the
 * same ones. So what a deleted job leaves is removed only where no other job names it, and only while none is on its
 * way, which could be taking it up at this moment; until then it is remembered.
 */
export async function collectArtifacts(queue: DistilleryQueue, store: Store, id: string): Promise<void> {
  // Checkpoints are the job's alone: their files hold its name.
  for (const { blob } of await takeManifests<{ blob?: string }>(store, `jobs/${id}`)) {
    if (blob !== undefined) await store.remove(blob);
  }
  const { leftovers } = queue.control;
  const left = await leftovers.list();
  const needed = left.length === 0 ? undefined : await neededByJobs(queue);
  if (needed === undefined) return;
  const free = left.filter((name) => !needed.has(name));
  const blobs = new Set(free.filter((name) => name.startsWith('blob:')));
  // Manifests go first: what cannot be found is not taken up.
  for (const name of free.filter((one) => !one.startsWith('blob:'))) {
    for (const manifest of await takeManifests(store, name.slice('manifest:'.length))) {
      for (const blob of namedIn(manifest)) blobs.add(blob);
    }
  }
  for (const folder of ['teachers', 'outputs', 'auxiliaries']) {
    for (const name of await store.list(folder)) {
      for (const blob of namedIn(await store.manifest(name))) blobs.delete(blob);
    }
  }
  for (const blob of blobs) if (!needed.has(blob)) await store.remove(blob.slice('blob:'.length));
  await leftovers.drop(left);
}

/** Removes a manifest, and all below its name; returns what they held. */
async function takeManifests<T>(store: Store, address: string): Promise<T[]> {
  const taken: T[] = [];
  for (const name of [address, ...(await store.list(address))]) {
    const manifest = await store.manifest<T>(name);
    if (manifest === undefined) continue;
    await store.removeManifest(name);
    taken.push(manifest);
  }
  return taken;
}

/** What a sweep has found, and removed where it was to. */
export interface Swept {
  /** That nothing names: of writers that were killed before they could name them, for the most part. */
  blobs: number;
  /** Their size. */
  bytes: number;
  /** Checkpoints of jobs that are not there any more. */
  checkpoints: number;
}

/**
 * Finds what nobody will ever ask for. A blob is put before it is named, so one that nothing names may be on its way:
 * only those from before `before` count. The jobs of this queue must be the only ones that use the store.
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
    } else for (const blob of namedIn(await store.manifest(name))) named.add(blob);
  }
  for await (const { id } of everyJob(queue)) {
    for (const blob of namedIn(await queue.jobs.results(id))) named.add(blob);
  }
  for await (const { digest, size } of store.blobs(before)) {
    if (named.has(`blob:${digest}`)) continue;
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
    for (const name of namedIn(await queue.jobs.results(id))) needed.add(name);
  }
  return needed;
}

/** `manifest:<address>` and `blob:<digest>` of all that is named, at any depth. */
function namedIn(results: unknown): Set<string> {
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { digest, size, address, blob } = value as Record<string, unknown>;
    if (typeof address === 'string') names.add(`manifest:${address}`);
    if (typeof digest === 'string' && typeof size === 'number') names.add(`blob:${digest}`);
    // As checkpoints name theirs.
    if (typeof blob === 'string') names.add(`blob:${blob}`);
    Object.values(value).forEach(walk);
  };
  walk(results);
  return names;
}
