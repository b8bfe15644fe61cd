import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, isTerminal } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { artifactsOf, blobsNamedBy } from '@distillery/training';

// An artifact is `blob:<digest>`, or `manifest:<address>`: one manifest, or all that are below that name.

export const blobName = (digest: string): string => `blob:${digest}`;
export const manifestName = (address: string): string => `manifest:${address}`;

/** Returns the artifacts that a job's results and its spec name, such as the weights of a stored teacher. */
export async function namedByJob(queue: DistilleryQueue, id: string): Promise<string[]> {
  const [{ stages }, results, { spec }] = await Promise.all([
    queue.jobs.plan(id),
    queue.jobs.results(id),
    queue.jobs.spec(id),
  ]);
  const named = stages.flatMap((stage) => {
    const result = results[stage.id];
    if (result === undefined) return [];
    const { blobs, shared } = artifactsOf(stage, result);
    return [...blobs.map(blobName), ...shared.map(manifestName)];
  });
  const inSpec = JSON.stringify(spec).match(/\b[0-9a-f]{64}\b/g) ?? [];
  return [...new Set([...named, ...inSpec.map(blobName)])];
}

/** The artifacts of jobs that have ended, which change only when a job is retried. */
export type NamedCache = Map<string, { version: number; names: readonly string[] }>;

/**
 * Returns the artifacts that each job names. A job that is created meanwhile may be missing.
 *
 * @param cache spares the jobs that have not changed since the last call
 */
export async function namedByJobs(
  queue: DistilleryQueue,
  cache: NamedCache = new Map(),
): Promise<Map<string, readonly string[]>> {
  const named = new Map<string, readonly string[]>();
  for await (const { id, state, version } of queue.inventory.heads()) {
    const known = cache.get(id);
    const names = known?.version === version ? known.names : await ifJobExists(namedByJob(queue, id), []);
    named.set(id, names);
    if (isTerminal(state)) cache.set(id, { version, names });
  }
  for (const id of cache.keys()) if (!named.has(id)) cache.delete(id);
  return named;
}

/** Returns what is read of a job, or `otherwise` where the job has been deleted. */
export async function ifJobExists<Found>(reading: Promise<Found>, otherwise: Found): Promise<Found> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof DistilleryError && error.code === 'job_not_found') return otherwise;
    throw error;
  }
}

/** Whether a manifest, or a folder that it is in, is among these artifacts. */
export function isNamed(names: ReadonlySet<string>, manifest: string): boolean {
  const parts = manifest.split('/');
  return parts.some((_, index) => names.has(manifestName(parts.slice(0, index + 1).join('/'))));
}

/** Returns the digests of the blobs that a manifest names; none where it is absent or damaged. */
export async function blobsIn(store: Store, name: string): Promise<string[]> {
  const manifest = await store.manifest(name);
  return manifest === undefined ? [] : blobsNamedBy(name, manifest);
}
