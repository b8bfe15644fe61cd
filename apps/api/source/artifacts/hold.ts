import { setTimeout as delay } from 'node:timers/promises';
import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError } from '@distillery/spec';

const patienceMs = 20_000;

/**
 * Begins or extends a hold on removals from the store, and waits for those that have begun before.
 *
 * @returns the end of the hold
 * @throws DistilleryError `not_ready` when they take longer than 20 seconds; the hold stays
 */
export async function beginHold(queue: DistilleryQueue, forMs: number): Promise<Date | null> {
  for (
    const end = Date.now() + patienceMs;
    (await queue.hold.begin(Math.round(forMs))) > 0;
    await delay(200)
  ) {
    if (Date.now() < end) continue;
    throw new DistilleryError(
      'not_ready',
      'files are still being removed from the store: the hold has begun, so ask again in a minute before you copy anything',
    );
  }
  return await queue.hold.until();
}
