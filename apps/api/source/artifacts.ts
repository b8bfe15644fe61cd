import type { Store } from '@distillery/artifacts';
import type { DistilleryQueue } from '@distillery/queue';
import { isTerminal } from '@distillery/spec';

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

/** What the jobs that are there have in the store; undefined while one of them may still take something up. */
async function neededByJobs(queue: DistilleryQueue): Promise<Set<string> | undefined> {
  const needed = new Set<string>();
  for (let after: string | undefined; ; ) {
    const page = await queue.jobs.list({ limit: 100, after });
    for (const { id, state } of page.jobs) {
      if (!isTerminal(state)) return undefined;
      for (const name of namedIn(await queue.jobs.results(id))) needed.add(name);
    }
    if (page.next === null) return needed;
    after = page.next;
  }
}

/** `manifest:<address>` and `blob:<digest>` of all that is named, at any depth. */
function namedIn(results: unknown): Set<string> {
  const names = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { digest, size, address } = value as Record<string, unknown>;
    if (typeof address === 'string') names.add(`manifest:${address}`);
    if (typeof digest === 'string' && typeof size === 'number') names.add(`blob:${digest}`);
    Object.values(value).forEach(walk);
  };
  walk(results);
  return names;
}
