import type { DistilleryQueue } from '@distillery/queue';
import type { Store } from '@distillery/store';

/**
 * How long an artifact must be unused before it can be removed, beyond the time that running stages take: longer than the
 * planning of a job that names a stored teacher, and than any difference between two readings of a clock.
 */
const defaultMarginMs = 5 * 60_000;

/**
 * Returns a time by the store's clock: an artifact that no record names now, and that was last stored or claimed before that
 * time, is unused. A stage stores or claims an artifact after it has begun and before its result is recorded, so those of
 * running stages are younger. Stages that wait, of paused jobs too, claim what they use when they run.
 */
export async function unusedSince(
  queue: DistilleryQueue,
  store: Store,
  marginMs = defaultMarginMs,
): Promise<Date> {
  const now = await store.now();
  const oldest = await queue.inventory.oldestAttempt();
  return new Date(now.getTime() - oldest - marginMs);
}
