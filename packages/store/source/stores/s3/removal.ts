import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bucket } from './bucket.ts';

/** One who removes an object gives up when this much time has passed since the removal was announced. */
const removalMs = 20_000;
/** How long the request to delete may take, with all its tries. */
const deletionMs = 30_000;
/** An announcement that is older than this is that of a process that was killed: the removal itself never takes so long. */
const abandonedMs = 90_000;

/** The folders of objects that stand for something in work. */
export const momentary = ['removals/', 'repairs/', 'probes/'] as const;

const renewalOf = (key: string) => `renewals/${key}`;
const removalsOf = (key: string) => `removals/${key}/`;

/**
 * When objects were last used, and how one that is unused is removed while others may begin to use it.
 *
 * S3 can neither renew the time of an object without copying it nor delete one on a condition that every service knows. So a renewal is a
 * small object of its own, and a removal is announced by another: the remover announces, looks at the times *again*, deletes, and takes
 * the announcement back. One who renews writes the renewal and then looks for announcements. Listings and reads of S3 are strongly
 * consistent, so of two such processes at least one sees the other: the remover sees the renewal and leaves the object, or the other
 * sees the announcement, waits for its end and looks whether the object is still there. The same holds for one who writes the object.
 */
export function removals(bucket: Bucket) {
  /** The time at which an object was last written or renewed; undefined where it is absent. */
  async function lastUse(key: string): Promise<Date | undefined> {
    const [object, renewal] = await Promise.all([bucket.head(key), bucket.head(renewalOf(key))]);
    if (object === undefined) return undefined;
    const renewed = renewal?.modified ?? object.modified;
    return renewed > object.modified ? renewed : object.modified;
  }

  async function announced(key: string) {
    const found: { key: string; modified: Date }[] = [];
    for await (const removal of bucket.list(removalsOf(key))) found.push(removal);
    return found;
  }

  /**
   * Waits until no removal of an object is announced.
   *
   * @returns whether there was one, after which the object may be gone
   */
  async function removalsEnded(key: string): Promise<boolean> {
    for (let waited = 0; ; waited++) {
      const pending = await announced(key);
      if (pending.length === 0) return waited > 0;
      await delay(Math.min(20 * 2 ** waited, 2000));
      if (waited < 10) continue;
      const now = (await bucketTime(bucket)).getTime();
      for (const { key: removal, modified } of pending) {
        if (now - modified.getTime() > abandonedMs) await bucket.remove(removal);
      }
    }
  }

  return {
    lastUse,
    removalsEnded,

    /** Writes an object until it is there, whatever removals of it are in work; `write` may be called again. */
    async written<T>(key: string, write: () => Promise<T>): Promise<T> {
      for (;;) {
        const result = await write();
        if (!(await removalsEnded(key)) || (await bucket.head(key)) !== undefined) return result;
      }
    },

    /** Gives an object the time of now; false where it is absent. */
    async renew(key: string): Promise<boolean> {
      // A renewal of an absent object would stay for ever.
      if ((await bucket.head(key)) === undefined) return false;
      await bucket.put(renewalOf(key), '');
      await removalsEnded(key);
      return (await bucket.head(key)) !== undefined;
    },

    /** Removes an object, whatever uses it. */
    async remove(key: string): Promise<void> {
      await bucket.remove(key);
      await bucket.remove(renewalOf(key));
    },

    /**
     * Removes an object that was last written or renewed before a time.
     *
     * @returns false where it stays
     */
    async removeUnused(key: string, before: Date): Promise<boolean> {
      const unused = async () => {
        const used = await lastUse(key);
        return used === undefined ? undefined : used < before;
      };
      const found = await unused();
      if (found !== true) return found === undefined;
      const announcement = removalsOf(key) + randomUUID();
      const start = performance.now();
      try {
        await bucket.put(announcement, '');
        const still = await unused();
        if (still !== true) return still === undefined;
        // A process that was asleep for long must not delete what others have come to use since.
        if (performance.now() - start > removalMs) return false;
        await bucket.remove(key, AbortSignal.timeout(deletionMs));
        await bucket.remove(renewalOf(key));
        return true;
      } finally {
        await bucket.remove(announcement);
      }
    },
  };
}

/** The time of the bucket's service, from an object that is written for it. */
export async function bucketTime(bucket: Bucket): Promise<Date> {
  const key = 'clock';
  await bucket.put(key, '');
  return (await bucket.head(key))?.modified ?? (await bucketTime(bucket));
}
