import { DistilleryError, type JobView } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import { isJobId } from './job-id.ts';
import { indexesOf, type Jobs, type Owner, overQuota } from './jobs.ts';
import { type Keys, scriptKeys } from '../redis/keys.ts';
import { run, type Script } from '../redis/script.ts';
import { cancelScript, pauseScript, removeScript, resumeScript, retryScript } from '../scripts/control.ts';
import type { StageQueue } from '../bull/stages.ts';

/** Cancels, pauses, resumes, retries and deletes jobs. Every request can be repeated without further effect. */
export function jobControl(redis: Client, keys: Keys, jobs: Jobs, stages: StageQueue) {
  const request = (what: string, script: Script, { offers = false } = {}) =>
    guarded(async (id: string, by?: Owner, lost: readonly string[] = []): Promise<JobView> => {
      const args = [by?.name ?? '', by?.jobs ?? '', lost.join(' ')];
      await checked(id, what, () => run(redis, script, scriptKeys(keys, id), args)).catch((error) => {
        throw overQuota(error, by) ?? error;
      });
      if (offers) await stages.offer();
      return (await jobs.get(id)).view;
    });

  return {
    /**
     * Cancels a job: it is `cancelling` until its trainers have committed their checkpoints, then `cancelled`.
     * @throws DistilleryError `job_not_found`; `state_conflict` when it has succeeded or failed
     */
    cancel: request('be cancelled', cancelScript),

    /**
     * Pauses a job: it is `pausing` until its trainers have committed their checkpoints, then `paused`. No stage of it
     * is taken.
     * @throws DistilleryError `job_not_found`; `state_conflict` when it has ended or is being cancelled
     */
    pause: request('be paused', pauseScript),

    /** Resumes a paused job. @throws DistilleryError `job_not_found`; `state_conflict` as `pause` */
    resume: request('be resumed', resumeScript, { offers: true }),

    /**
     * Goes on with a job that failed or was cancelled: stages that succeeded are kept, the others go on from their last
     * checkpoints. A job that has succeeded runs the stages again that have lost their artifacts, its third argument.
     * @throws DistilleryError `job_not_found`; `state_conflict` when there is nothing to retry; `quota_exceeded` when
     *   the owner asks and has too many unfinished jobs
     */
    retry: request('be retried', retryScript, { offers: true }),

    /**
     * Deletes the record of a job.
     *
     * @param artifacts the names of its artifacts in the store, to be collected once no other job needs them
     * @throws DistilleryError `state_conflict` when the job has not ended
     */
    remove: guarded(async (id: string, artifacts: readonly string[] = []): Promise<void> => {
      const { labels, owner, stages } = await jobs.header(id);
      const indexes = indexesOf(keys, labels, owner);
      const rows = stages.map((stage) => keys.stageMetrics(id, stage));
      const common = [
        ...scriptKeys(keys, id),
        keys.spec(id),
        keys.all,
        keys.leftovers,
        keys.webhookCursor,
        keys.deletedJob(id),
      ];
      await checked(id, 'be deleted', () =>
        run(redis, removeScript, [...common, ...indexes, ...rows], [id, indexes.length, ...artifacts]),
      );
    }),
  };
}
export type JobControl = ReturnType<typeof jobControl>;

async function checked(id: string, what: string, work: () => Promise<unknown>): Promise<void> {
  const unknown = new DistilleryError('job_not_found', `there is no job ${id}`);
  if (!isJobId(id)) throw unknown;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [, code, state] = /^(CONFLICT|UNKNOWN) (.*)$/.exec(error.message) ?? [];
    if (code === 'UNKNOWN') throw unknown;
    if (code !== 'CONFLICT') throw error;
    const message = `the job is ${state}, it cannot ${what}`;
    throw new DistilleryError('state_conflict', message, { cause: error });
  }
}
