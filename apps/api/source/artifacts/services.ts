import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';

/** The folder of the store in which every service that uses it has a manifest, named after the identity of its Redis. */
export const servicesFolder = 'service';

/** The manifest of this service. */
export async function ownManifest(queue: DistilleryQueue): Promise<string> {
  return `${servicesFolder}/${await queue.inventory.identity()}`;
}

/**
 * Registers this service with the store, and returns the other services that have used it. Their jobs are unknown here, so
 * what looks unused may be theirs; after Redis has lost its data, that is what the jobs before are, too.
 */
export async function otherServices(queue: DistilleryQueue, store: Store): Promise<string[]> {
  const own = await ownManifest(queue);
  if ((await store.manifest(own)) === undefined) await store.commit(own, { since: new Date().toISOString() });
  return (await store.list(servicesFolder)).filter((name) => name !== own);
}
