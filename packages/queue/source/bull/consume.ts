import { asDistilleryError, DistilleryError, LostArtifacts } from '@distillery/spec';
import { DelayedError, type Job, Worker } from 'bullmq';
import type { Client } from '../redis/connection.ts';
import type { Attempt, Fence } from '../records/attempts.ts';
import type { Keys } from '../redis/keys.ts';
import { isStale, type StageRun, stageRun } from './stage-run.ts';
import { queueName, type StageQueue } from './stages.ts';

/**
 * Runs a stage and returns its result, plain JSON. What it rejects with is the reason of the failure: a stage that
 * failed with a retryable DistilleryError is tried again after a growing delay, one that failed with LostArtifacts after the
 * stages that it names, any other error fails the job.
 */
export type StageHandler = (run: StageRun) => Promise<unknown>;

export interface ConsumeOptions {
  /** The name of the worker in the record. */
  worker: string;
  /** What stages may require of this worker; default nothing. */
  capabilities?: readonly string[];
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
  /** How often to look for stages that have no ticket in BullMQ, in ms; default 30 000. */
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

/** Takes tickets from BullMQ, chooses a stage for each and passes it to a handler, until closed. */
export async function consumeStages(
  { redis, keys, attempts, stages, onError }: Ports,
  handler: StageHandler,
  options: ConsumeOptions,
): Promise<Consumer> {
  const { worker: workerName, lockDuration = 15_000, tries = 5 } = options;
  let looking = false;
  let closing: Closing | undefined;
  const inHand = new Map<string, { jobId: string; controller: AbortController }>();

  async function take(ticket: Job, token: string | undefined): Promise<void> {
    const id = ticket.id as string;
    const begun = await begin(id);
    if (begun === undefined) return;
    if ('wait' in begun) {
      await ticket.moveToDelayed(Date.now() + begun.wait, token);
      throw new DelayedError('the next stage is not ready yet');
    }
    const { jobId } = begun;
    const controller = new AbortController();
    inHand.set(id, { jobId, controller });
    if (closing !== undefined) controller.abort(closing);
    try {
      // A worker that had this ticket before may have died before it offered the stages that it had made ready. For a fresh ticket
      // that cannot be, and an idle fleet would count the tickets that others are about to use as missing, again and again.
      if (ticket.attemptsStarted > 1) await stages.offer();
      if (begun.failures >= tries) {
        throw new DistilleryError(
          'trainer_crashed',
          `the last ${begun.failures} attempts failed or lost their workers`,
        );
      }
      await attempts.succeed(begun, await handler(stageRun(attempts, begun, controller)));
    } catch (cause) {
      await settle(begun, cause, controller.signal);
    } finally {
      inHand.delete(id);
    }
    // Offered before BullMQ releases this ticket: after a crash in between another worker takes it, and offers, above.
    await stages.offer();
  }

  /** Begins the stage whose turn it is. Its job may have been paused or have ended since; then it is the turn of another one. */
  async function begin(ticket: string) {
    for (;;) {
      const chosen = await stages.choose(ticket, options.capabilities ?? []);
      if (chosen === undefined || 'wait' in chosen) return chosen;
      const { jobId, stageId } = chosen;
      const begun = await attempts.begin(jobId, stageId, workerName, ticket);
      if (!('skip' in begun)) return begun;
    }
  }

  /** Writes to the record why an attempt has ended early. @throws DistilleryError `stale_attempt` */
  async function settle(begun: Attempt, cause: unknown, signal: AbortSignal): Promise<void> {
    const error = asDistilleryError(cause);
    if (isStale(error) || isStale(signal.reason)) throw error;
    if (signal.reason instanceof Stopping || signal.reason instanceof Closing) {
      return attempts.handBack(begun);
    }
    const reason = { code: error.code, message: error.message };
    const lost = error instanceof LostArtifacts ? error.stages : [];
    await attempts.fail(begun, reason, error.retryable || error instanceof LostArtifacts ? tries : 1, lost);
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

  const bull = new Worker(queueName, (ticket, token) => take(ticket, token), {
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
  await bull.waitUntilReady();
  const reconcile = () => stages.reconcile().catch(onError);
  await stages.adopt();
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
      const closed = bull.close();
      if (!finish) {
        closing = new Closing('the worker is closing');
        for (const { controller } of inHand.values()) controller.abort(closing);
      }
      await closed;
    },
  };
}
