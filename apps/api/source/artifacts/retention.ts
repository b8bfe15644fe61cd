import type { DistilleryQueue, Retention } from '@distillery/queue';
import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { Logger } from 'pino';
import { deleteJob } from './delete-job.ts';
import { repeat } from './repeat.ts';

export interface RetentionOptions extends Retention {
  /** Milliseconds between two looks; default a minute. */
  everyMs?: number;
}

/** Deletes the jobs that are not to be kept any more, from time to time, until it is closed. Several processes may do so. */
export function startRetention(
  queue: DistilleryQueue,
  store: Store,
  log: Logger,
  { everyMs = 60_000, ...kept }: RetentionOptions,
) {
  let closed = kept.days === undefined && kept.count === undefined;
  let adopted = false;
  const looks = closed ? undefined : repeat(everyMs, deleteExpired);
  looks?.run();
  return {
    async close(): Promise<void> {
      closed = true;
      await looks?.close();
    },
  };

  async function deleteExpired(): Promise<void> {
    try {
      if (!adopted) await queue.ended.adopt();
      adopted = true;
      for (let ids = ['']; ids.length > 0 && !closed; ) {
        ids = await queue.ended.expired(kept);
        for (const id of ids) if (!closed) await deleteOne(id);
        if (ids.length > 0) log.info({ jobs: ids.length }, 'jobs that were kept long enough were deleted');
      }
    } catch (error) {
      log.warn({ err: error }, 'jobs that were kept long enough were not deleted; it is tried again');
    }
  }

  async function deleteOne(id: string): Promise<void> {
    const failed = (error: unknown) =>
      log.warn({ err: error, job: id }, 'some checkpoints of a deleted job were not removed');
    await deleteJob(queue, store, id, failed).catch((error: unknown) => {
      // Another process has deleted it, or a person has just retried it.
      const { code } = error as Partial<DistilleryError>;
      if (code !== 'job_not_found' && code !== 'state_conflict') throw error;
    });
  }
}
