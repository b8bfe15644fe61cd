import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';
import type { Logger } from 'pino';
import { blobName } from '../artifacts/named.ts';
import { repeat } from '../artifacts/repeat.ts';
import { parts } from './parts.ts';
import { type About, list, partsLog, remove, whole } from './record.ts';
import type { UploadRules } from './rules.ts';
import { viewOf } from './view.ts';

/** Removes an upload, and notes its blobs: a collection removes those that nothing else names. */
export async function removeUpload(queue: DistilleryQueue, store: Store, about: About): Promise<void> {
  const digests = (await parts(store, partsLog(about))).map(({ digest }) => digest);
  const done = await whole(store, about);
  if (done !== undefined) digests.push(done.digest);
  // Noted first: a crash in between leaves notes of blobs that are still named, which a collection drops.
  await queue.inventory.leftovers.add(digests.map(blobName));
  await remove(store, about);
}

/**
 * Removes the uploads to which no byte was added for as long as they are kept.
 *
 * @returns how many were removed
 */
export async function removeExpired(
  queue: DistilleryQueue,
  store: Store,
  rules: UploadRules,
  now = Date.now(),
): Promise<number> {
  let removed = 0;
  for (const about of await list(store, undefined)) {
    const { expiresAt } = await viewOf(store, about, rules);
    if (Date.parse(expiresAt) > now) continue;
    await removeUpload(queue, store, about);
    removed++;
  }
  return removed;
}

/** Removes expired uploads from time to time, until it is closed. */
export function startExpiry(
  queue: DistilleryQueue,
  store: Store,
  log: Logger,
  rules: UploadRules,
  everyMs = 60_000,
) {
  return {
    close: repeat(everyMs, async () => {
      try {
        const uploads = (await queue.hold.unless(() => removeExpired(queue, store, rules))) ?? 0;
        if (uploads > 0) log.info({ uploads }, 'expired uploads were removed');
      } catch (error) {
        log.warn({ err: error }, 'expired uploads were not removed; it is tried again');
      }
    }).close,
  };
}
