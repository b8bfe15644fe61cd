import type { DistilleryQueue } from '@distillery/queue';
import {
  asDistilleryError,
  DistilleryError,
  isTerminal,
  type Report,
  type SweepRecord,
  type SweepState,
  type TrialRecord,
} from '@distillery/spec';
import type { Logger } from 'pino';
import { repeat } from '../artifacts/repeat.ts';
import type { Caller } from '../caller.ts';
import type { Records } from '../threads/records.ts';
import type { Submissions } from '../threads/submissions.ts';
import { nextWork } from './halving.ts';
import { runsOf } from './scores.ts';
import { trialSpec } from './trial-spec.ts';

/**
 * Drives the sweeps that have not ended: submits the jobs of their trials, reads their results, and decides which trials go on. What is
 * decided is in the record before anything is done, and every deed can be repeated: a job is submitted under an idempotency key of its
 * own. So any number of API processes may drive, and one that dies leaves nothing undone. A lease spares the others the same reads.
 */
export interface SweepServices {
  queue: DistilleryQueue;
  submissions: Pick<Submissions, 'ask'>;
  records: Pick<Records, 'ask'>;
}

const leaseMs = 10_000;

/** @param everyMs milliseconds between two looks */
export function startSweeps(services: SweepServices, log: Logger, everyMs = 500) {
  const { queue } = services;
  let closed = false;
  const looks = repeat(everyMs, async () => {
    try {
      for (const id of await queue.sweeps.live()) {
        if (closed) return;
        if (await queue.leases.take(`sweep ${id}`, leaseMs)) await driveOne(id);
      }
    } catch (error) {
      log.warn({ err: error }, 'the sweeps were not driven; it is tried again');
    }
  });
  return {
    async close(): Promise<void> {
      closed = true;
      await looks.close();
    },
  };

  async function driveOne(id: string): Promise<void> {
    try {
      while (!closed && (await drive(services, id)));
    } catch (error) {
      const { code } = error as Partial<DistilleryError>;
      if (code !== 'sweep_not_found')
        log.warn({ err: error, sweep: id }, 'the sweep was not driven; it is tried again');
    } finally {
      await queue.leases.end(`sweep ${id}`).catch(() => {});
    }
  }
}

/** Moves a sweep on by one change of its record. @returns whether there was something to do, so that there may be more */
async function drive(services: SweepServices, id: string): Promise<boolean> {
  const sweep = await services.queue.sweeps.get(id);
  const changes = new Map<number, TrialRecord>();
  for (const [index, trial] of sweep.trials.entries()) {
    const changed = await lookAfter(services, sweep, trial, index);
    if (changed !== undefined) changes.set(index, changed);
  }
  const now = { ...sweep, trials: sweep.trials.map((trial, index) => changes.get(index) ?? trial) };
  const state = await decide(services, now, changes);
  if (changes.size === 0 && state === undefined) return false;
  await services.queue.sweeps.change(sweep, { ...(state && { state }), trials: changes });
  return true;
}

/**
 * Decides which trials begin or go on, and whether the sweep has ended.
 *
 * @param changes receives the trials that change, and `sweep` is changed with them
 */
async function decide(
  { queue }: SweepServices,
  sweep: SweepRecord,
  changes: Map<number, TrialRecord>,
): Promise<SweepState | undefined> {
  const { trials } = sweep;
  const put = (index: number, trial: TrialRecord) => {
    trials[index] = trial;
    changes.set(index, trial);
  };
  const busy = () => trials.filter(({ state }) => state === 'running').length;
  if (sweep.state === 'cancelling') {
    if (busy() > 0) return undefined;
    for (const [index, trial] of trials.entries()) {
      if (trial.state === 'waiting' || trial.state === 'held') put(index, { ...trial, state: 'cancelled' });
    }
    return 'cancelled';
  }
  if (sweep.state !== 'running') return undefined;
  const most = sweep.given.parallel ?? Math.min(64, 1 + (await queue.standing()).slots);
  while (busy() < most) {
    const next = nextWork(sweep);
    if (next === undefined) break;
    const trial = trials[next.trial];
    const rungs = [...trial.rungs, { until: next.until, job: null, runs: null }];
    put(next.trial, { ...trial, state: 'running', rungs });
  }
  if (busy() > 0) return undefined;
  for (const [index, trial] of trials.entries()) {
    if (trial.state === 'held') put(index, { ...trial, state: 'stopped' });
  }
  return trials.some(({ rungs }) => rungs.some(({ runs }) => runs !== null)) ? 'succeeded' : 'failed';
}

/** Submits the job of a trial, or reads what has become of it. @returns the trial if it changes */
async function lookAfter(
  services: SweepServices,
  sweep: SweepRecord,
  trial: TrialRecord,
  index: number,
): Promise<TrialRecord | undefined> {
  if (trial.state !== 'running') return undefined;
  const { job } = trial.rungs[trial.rungs.length - 1];
  if (job !== null) return await follow(services, sweep, trial, job);
  if (sweep.state === 'cancelling') {
    const created = await createdJob(services, sweep, trial, index);
    return created === undefined ? { ...trial, state: 'cancelled' } : withLast(trial, { job: created });
  }
  return sweep.state === 'running' ? await submit(services, sweep, trial, index) : undefined;
}

/** The job of a trial that was created by a process which died before it could write the id down; undefined where there is none. */
async function createdJob(
  { queue }: SweepServices,
  { id }: SweepRecord,
  { rungs }: TrialRecord,
  index: number,
): Promise<string | undefined> {
  const known = new Set(rungs.map(({ job }) => job));
  const { jobs } = await queue.jobs.list({ labels: { sweep: id, trial: String(index + 1) } });
  return jobs.find((job) => !known.has(job.id))?.id;
}

async function submit(
  { submissions }: SweepServices,
  { id, given, caller }: SweepRecord,
  trial: TrialRecord,
  index: number,
): Promise<TrialRecord | undefined> {
  const { until } = trial.rungs[trial.rungs.length - 1];
  const stops = given.search.type === 'halving' ? until : undefined;
  const spec = trialSpec(given, trial.values, { sweep: id, trial: index + 1 }, stops);
  try {
    // No client can have sent this key: keys of clients have no space.
    const key = `sweeps: ${id} ${index} ${until}`;
    const text = JSON.stringify(spec);
    const { id: job } = await submissions.ask('submit', {
      text,
      caller: caller as Caller | null,
      key,
      request: id,
      reachable: true,
    });
    return withLast(trial, { job });
  } catch (error) {
    const { code, message, retryable } = asDistilleryError(error);
    // Too many jobs of the owner, or an outage: it is tried again at the next look.
    if (retryable || code === 'quota_exceeded') return undefined;
    return { ...trial, state: 'failed', reason: { code, message } };
  }
}

/** Follows the job of a trial to its end, and pauses, resumes and cancels it with the sweep. */
async function follow(
  services: SweepServices,
  sweep: SweepRecord,
  trial: TrialRecord,
  job: string,
): Promise<TrialRecord | undefined> {
  const { queue } = services;
  try {
    const { state } = await queue.jobs.header(job);
    if (isTerminal(state)) return await ended(services, sweep, trial, job);
    if (sweep.state === 'cancelling' && state !== 'cancelling') await queue.control.cancel(job);
    if (sweep.state === 'paused' && (state === 'queued' || state === 'running')) {
      await queue.control.pause(job);
      return { ...trial, paused: true };
    }
    if (sweep.state === 'running' && trial.paused) {
      await queue.control.resume(job);
      return { ...trial, paused: false };
    }
    return undefined;
  } catch (error) {
    const { code, message } = asDistilleryError(error);
    // It has ended just now: the next look reads how.
    if (code === 'state_conflict') return undefined;
    if (code !== 'job_not_found') throw error;
    return { ...trial, state: 'failed', reason: { code, message: `${message}: it was deleted` } };
  }
}

async function ended(
  { queue, records }: SweepServices,
  { student, rungs }: SweepRecord,
  trial: TrialRecord,
  job: string,
): Promise<TrialRecord> {
  const { state, reason } = (await queue.jobs.get(job)).view;
  if (state === 'cancelled') return { ...trial, state: 'cancelled' };
  if (state !== 'succeeded') {
    const unknown = { code: 'internal', message: 'the job has failed without a reason' };
    return { ...trial, state: 'failed', reason: reason ?? unknown };
  }
  const report = JSON.parse(await records.ask('report', job)) as Report;
  const runs = runsOf(report, student);
  if (runs.length === 0) {
    const message = `the report of ${job} has no student ${student}`;
    return { ...trial, state: 'failed', reason: { code: 'internal', message } };
  }
  const last = trial.rungs.length === rungs.length;
  return { ...withLast(trial, { runs }), state: last ? 'succeeded' : 'held' };
}

function withLast(trial: TrialRecord, change: Partial<TrialRecord['rungs'][number]>): TrialRecord {
  const before = trial.rungs.slice(0, -1);
  return { ...trial, rungs: [...before, { ...trial.rungs[trial.rungs.length - 1], ...change }] };
}
