import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';
import { DistilleryError } from '@distillery/spec';
import { blobName } from '../artifacts/named.ts';
import { type About, endOf, type Part, parts, removeParts, setWhole, type Whole, whole } from './record.ts';

/**
 * Makes one blob of an upload whose bytes are all there; undefined while some are missing. It may be called again, and by several
 * processes at once.
 */
export async function finish(queue: DistilleryQueue, store: Store, about: About): Promise<Whole | undefined> {
  const known = await whole(store, about);
  if (known !== undefined) return known;
  const all = await parts(store, about);
  if (endOf(all) < about.size) return undefined;
  const [first] = all;
  const blob =
    all.length === 1
      ? { digest: first.digest, size: first.size }
      : await store.put(joined(store, all)).catch(async (error: unknown) => {
          // Another process may have finished meanwhile, and have removed the parts.
          const done = await whole(store, about);
          if (done === undefined) throw error;
          return done;
        });
  if (blob.size !== about.size)
    throw new DistilleryError('artifact_corrupt', `the parts of the upload have ${blob.size} bytes`);
  const noted = await setWhole(store, about, { digest: blob.digest, size: blob.size });
  await queue.inventory.leftovers.add(all.map(({ digest }) => blobName(digest)));
  await removeParts(store, about, all);
  return noted;
}

async function* joined(store: Store, all: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const { digest } of all) yield* (await store.stream(digest)) as AsyncIterable<Uint8Array>;
}
