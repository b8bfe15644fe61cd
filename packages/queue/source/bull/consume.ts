import { asDistilleryError, DistilleryError, LostArtifacts } from '@distillery/spec';
import { DelayedError, type Job, WaitingError, Worker } from 'bullmq';
import type { Client } from '../redis/connection.ts';
import type { Attempt, Fence } from '../records/attempts.ts';
import type { Keys } from '../redis/keys.ts';
import { isStale, type StageRun, stageRun } from './stage-run.ts';
import { queueName, type StageQueue, type StageTicket } from './stages.ts';

/**
 * Runs a stage and returns its result, plain JSON. What it rejects with is the reason of the failure: a stage that
 * failed with a retryable DistilleryError is tried again after a growing delay, one that failed with LostArtifacts after the
 * stages that it names, any other error fails the job.
 */
export type StageHandler = (run: StageRun) => Promise<unknown>;

export interface ConsumeOptions {
  /** The name of the worker in the record. */
  worker: string;
  /** Stages at once, default 1. */
  concurrency?: number;
  /**
   * Lock timeout in ms, default 15 000: a worker that is silent for so long, and a third longer at most, loses its stage
   * to another one.
   */
  lockDuration?: number;
  /**
   * A job fails when one of its stages has failed or lost its worker so many times in a row without getting any further
   * than before; default 5.
   */
  tries?: number;
  /** How often to look whether the jobs in hand are to pause or to end, in ms; default 500. */
  controlInterval?: number;
  /** How often to look for stages that BullMQ does not know of, in ms; default 30 000. */
  reconcileInterval?: number;
}

export interface Consumer {
  /**
   * Takes no more stages and resolves when none is left in hand. The signal of a stage in hand aborts, and the stage goes
   * back to the queue when its handler then rejects; with `finish` it runs to its end.
   */
  close(options?: { finish?: boolean }): Promise<void>;
}

interface Ports {
  redis: Client;
  keys: Keys;
  attempts: Fence;
  stages: StageQueue;
  onError: (error: Error) => void;
}

/** The consumer is closing. */
class Closing extends Error {
  override name = 'Closing';
}

/** The job is to pause or to end. */
class Stopping extends Error {
  override name = 'Stopping';
}

/** Takes stages from BullMQ and passes them to a handler, until closed. */
export async function consumeStages(
  { redis, keys, attempts, stages, onError }: Ports,
  handler: StageHandler,
  options: ConsumeOptions,
): Promise<Consumer> {
  const { worker: workerName, lockDuration = 15_000, tries = 5 } = options;
  /** Tickets of stages that there was nothing to do for, until BullMQ has released them. */
  const skipped = new Set<string>();
  let looking = false;
  const inHand = new Map<string, { jobId: string; controller: AbortController }>();

  async function take(ticket: Job<StageTicket>, token: string | undefined): Promise<void> {
    const { jobId, stageId } = ticket.data;
    const begun = await attempts.begin(jobId, stageId, workerName);
    if ('skip' in begun) {
      // The worker that succeeded may have died before it enqueued the next stages.
      if (begun.skip === 'stage_succeeded') await stages.enqueueOpen(jobId);
      else skipped.add(ticket.id as string);
      return;
    }
    const id = ticket.id as string;
    const controller = new AbortController();
    inHand.set(id, { jobId, controller });
    try {
      if (begun.failures >= tries) {
        throw new DistilleryError(
          'trainer_crashed',
          `the last ${begun.failures} attempts failed or lost their workers`,
        );
      }
      const result = await handler(stageRun(attempts, begun, controller));
      // Enqueued before BullMQ releases this stage: after a crash in between it is taken again, and skipped, above.
      await stages.enqueue(jobId, await attempts.succeed(begun, result));
    } catch (cause) {
      await settle(ticket, token, begun, cause, controller.signal);
    } finally {
      inHand.delete(id);
    }
  }

  /** Writes the failure to the record; the error that it throws tells BullMQ what becomes of the ticket. */
  async function settle(
    ticket: Job<StageTicket>,
    token: string | undefined,
    begun: Attempt,
    cause: unknown,
    signal: AbortSignal,
  ): Promise<never> {
    const error = asDistilleryError(cause);
    // BullMQ removes the ticket after any error but its own two.
    if (isStale(error) || isStale(signal.reason)) throw error;
    // The ticket of a paused job is taken once more, and skipped; that of a job which was resumed meanwhile runs.
    if (signal.reason instanceof Stopping || signal.reason instanceof Closing) {
      await attempts.handBack(begun);
      await ticket.moveToWait(token);
      throw new WaitingError(error.message);
    }
    const reason = { code: error.code, message: error.message };
    const lost = error instanceof LostArtifacts ? error.stages : [];
    const repeats = error.retryable || lost.length > 0;
    const failures = await attempts.fail(begun, reason, repeats ? tries : 1, lost);
    if (failures === 0) throw error;
    if (lost.length > 0) await stages.enqueueOpen(begun.jobId);
    await ticket.moveToDelayed(Date.now() + Math.min(60_000, 1000 * 2 ** failures), token);
    throw new DelayedError(error.message);
  }

  /** A worker polls the state of the jobs in its hands, so that it sees a pause or a cancellation even after an outage. */
  async function stopAsAsked(): Promise<void> {
    // While Redis is away, one poll waits for it, not one more every half second.
    if (looking) return;
    looking = true;
    try {
      for (const [jobId, controllers] of inHandByJob()) {
        const state = await redis.hget(keys.job(jobId), 'state');
        if (state !== 'pausing' && state !== 'cancelling') continue;
        for (const controller of controllers) controller.abort(new Stopping(`the job is ${state}`));
      }
    } finally {
      looking = false;
    }
  }

  function inHandByJob(): Map<string, AbortController[]> {
    const jobs = new Map<string, AbortController[]>();
    for (const { jobId, controller } of inHand.values()) {
      jobs.set(jobId, [...(jobs.get(jobId) ?? []), controller]);
    }
    return jobs;
  }

  const bull = new Worker<StageTicket>(queueName, (ticket, token) => take(ticket, token), {
    connection: redis,
    prefix: keys.prefix,
    concurrency: options.concurrency ?? 1,
    lockDuration,
    stalledInterval: Math.ceil(lockDuration / 3),
    // The record counts lost workers, and forgets them when the stage gets further.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    autorun: false,
  });
  bull.on('error', onError);
  bull.on('lockRenewalFailed', (ids) => {
    const lost = new DistilleryError('stale_attempt', 'the lock was lost: another worker may have the stage');
    for (const id of ids) inHand.get(id)?.controller.abort(lost);
  });
  bull.on('completed', ({ id, data }) => {
    // A job that was resumed or retried at that moment could not be enqueued: BullMQ still held this ticket.
    if (skipped.delete(id as string)) void stages.enqueueOpen(data.jobId).catch(onError);
  });
  await bull.waitUntilReady();
  const reconcile = () => stages.reconcile().catch(onError);
  await reconcile();
  void bull.run().catch(onError);
  const reconciling = setInterval(() => void reconcile(), options.reconcileInterval ?? 30_000);
  reconciling.unref();
  const polling = setInterval(() => void stopAsAsked().catch(onError), options.controlInterval ?? 500);
  polling.unref();

  return {
    async close({ finish = false } = {}) {
      clearInterval(reconciling);
      clearInterval(polling);
      const closing = bull.close();
      if (!finish) {
        for (const { controller } of inHand.values()) controller.abort(new Closing('the worker is closing'));
      }
      await closing;
    },
  };
}
