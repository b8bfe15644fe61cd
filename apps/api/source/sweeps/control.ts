import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, isSweepOver, type SweepRecord, type SweepState } from '@distillery/spec';
import { deleteJob } from '../artifacts/delete-job.ts';
import type { Store } from '@distillery/store';

/** What people ask of a sweep. The process that drives it does the same with its jobs. */
export const sweepControls = {
  pause: { to: 'paused', from: ['running'], done: ['paused'], what: 'be paused' },
  resume: { to: 'running', from: ['paused'], done: ['running'], what: 'be resumed' },
  cancel: {
    to: 'cancelling',
    from: ['running', 'paused'],
    done: ['cancelling', 'cancelled'],
    what: 'be cancelled',
  },
} as const satisfies Record<
  string,
  { to: SweepState; from: readonly SweepState[]; done: readonly SweepState[]; what: string }
>;
export type SweepControl = keyof typeof sweepControls;

/**
 * Changes the state of a sweep. Asked for twice, it changes nothing the second time.
 *
 * @throws DistilleryError `sweep_not_found`, `state_conflict`
 */
export async function controlSweep(
  { sweeps }: Pick<DistilleryQueue, 'sweeps'>,
  id: string,
  control: SweepControl,
): Promise<SweepRecord> {
  const { to, from, done, what } = sweepControls[control];
  for (;;) {
    const sweep = await sweeps.get(id);
    const isOne = (states: readonly SweepState[]) => states.includes(sweep.state);
    if (isOne(done)) return sweep;
    if (!isOne(from)) {
      throw new DistilleryError('state_conflict', `the sweep is ${sweep.state}, it cannot ${what}`);
    }
    if (await sweeps.change(sweep, { state: to })) return { ...sweep, state: to };
  }
}

/**
 * Deletes a sweep that has ended, with its jobs.
 *
 * @param failed called when checkpoints of a job could not be removed: the job is deleted in any case
 * @throws DistilleryError `sweep_not_found`; `state_conflict` while the sweep, or one of its jobs, has not ended
 */
export async function deleteSweep(
  queue: DistilleryQueue,
  store: Store,
  id: string,
  failed: (error: unknown) => void,
): Promise<void> {
  const sweep = await queue.sweeps.get(id);
  if (!isSweepOver(sweep.state)) {
    throw new DistilleryError(
      'state_conflict',
      `the sweep is ${sweep.state}, it cannot be deleted: cancel it first`,
    );
  }
  for (const { rungs } of sweep.trials) {
    for (const { job } of rungs) if (job !== null) await deleteOne(job);
  }
  await queue.sweeps.remove(sweep);

  async function deleteOne(job: string): Promise<void> {
    await deleteJob(queue, store, job, failed).catch((error: unknown) => {
      if (!(error instanceof DistilleryError) || error.code !== 'job_not_found') throw error;
    });
  }
}
