import type { DistilleryQueue } from '@distillery/queue';
import { projectOf, type ProjectUse } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { keptDatasets, keptNetworks } from '@distillery/training';
import { blobName, blobsIn, ifJobExists, manifestName, namedByJob } from '../artifacts/named.ts';
import { list } from '../uploads/record.ts';

/** What a project uses now. */
export async function usedBy(queue: DistilleryQueue, store: Store, project: string): Promise<ProjectUse> {
  const [jobs, hours, bytes] = await Promise.all([
    queue.projects.unfinished(project),
    queue.projects.hours(project),
    bytesOf(queue, store, project),
  ]);
  return { jobs, bytes, hours };
}

/**
 * The bytes of what the owners of a project have brought, and of what its jobs name in the store. Equal files count once, and uploads
 * with the size that they will have.
 */
export async function bytesOf(queue: DistilleryQueue, store: Store, project: string): Promise<number> {
  const isIts = ({ owner }: { owner: string | null }) => projectOf(owner) === project;
  const sizes = new Map<string, number>();
  for (const upload of (await list(store, undefined)).filter(isIts)) sizes.set(upload.id, upload.size);
  for (const { file } of (await keptDatasets(store, undefined)).filter(isIts))
    sizes.set(file.digest, file.size);
  for (const { weights } of (await keptNetworks(store)).filter(isIts))
    sizes.set(weights.digest, weights.size);
  for (const id of await queue.projects.jobs(project)) {
    for (const name of await ifJobExists(namedByJob(queue, id), [])) {
      if (name.startsWith(blobName(''))) await add(name.slice(blobName('').length));
      else await addManifests(name.slice(manifestName('').length));
    }
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);

  async function add(digest: string): Promise<void> {
    if (!sizes.has(digest)) sizes.set(digest, (await store.stat(digest))?.size ?? 0);
  }

  async function addManifests(address: string): Promise<void> {
    for (const name of [address, ...(await store.list(address))]) {
      for (const digest of await blobsIn(store, name)) await add(digest);
    }
  }
}
