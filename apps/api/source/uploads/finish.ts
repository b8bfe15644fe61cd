import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';
import { DistilleryError } from '@distillery/spec';
import { blobName } from '../artifacts/named.ts';
import { endOf, joinParts, lastPart, parts, removeParts } from './parts.ts';
import { type About, partsLog, setWhole, type Whole, whole } from './record.ts';

/**
 * Makes one blob of an upload whose bytes are all there; undefined while some are missing. It may be called again, and by several
 * processes at once.
 */
export async function finish(queue: DistilleryQueue, store: Store, about: About): Promise<Whole | undefined> {
  const known = await whole(store, about);
  if (known !== undefined) return known;
  const log = partsLog(about);
  if (endOf(await lastPart(store, log)) < about.size) return undefined;
  const all = await parts(store, log);
  // Parts that are gone by now belong to an upload that another process has just finished.
  if (endOf(all.at(-1)) < about.size) return await whole(store, about);
  const blob = await joinParts(store, all).catch(async (error: unknown) => {
    // Another process may have finished meanwhile, and have removed the parts.
    const done = await whole(store, about);
    if (done === undefined) throw error;
    return done;
  });
  if (blob.size !== about.size)
    throw new DistilleryError('artifact_corrupt', `the parts of the upload have ${blob.size} bytes`);
  const noted = await setWhole(store, about, { digest: blob.digest, size: blob.size });
  await queue.inventory.leftovers.add(all.map(({ digest }) => blobName(digest)));
  await removeParts(store, log, all);
  return noted;
}
