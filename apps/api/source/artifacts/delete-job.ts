import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';
import { blobsIn, manifestName, namedByJob } from './named.ts';

/**
 * Deletes a job that has ended. Its checkpoints, which are its alone, are removed at once, or by a collection where a backup holds
 * the store now; and other artifacts when a collection finds that no other job needs them.
 *
 * @param failed called when checkpoints could not be removed: the job is deleted in any case, and a sweep finds them
 * @throws DistilleryError `job_not_found`; `state_conflict` when the job has not ended
 */
export async function deleteJob(
  queue: DistilleryQueue,
  store: Store,
  id: string,
  failed: (error: unknown) => void,
): Promise<void> {
  await queue.control.remove(id, await namedByJob(queue, id));
  try {
    const removed = await queue.hold.unless(async () => {
      for (const name of await store.list(`jobs/${id}`)) {
        const digests = await blobsIn(store, name);
        await store.removeManifest(name);
        for (const digest of digests) await store.remove(digest);
      }
      return true;
    });
    if (removed === undefined) await queue.inventory.leftovers.add([manifestName(`jobs/${id}`)]);
  } catch (error) {
    failed(error);
  }
}
