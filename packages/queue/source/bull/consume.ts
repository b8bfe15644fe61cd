import { asDistilleryError, DistilleryError, type StageProgress } from '@distillery/spec';
import { DelayedError, type Job, WaitingError, Worker } from 'bullmq';
import type { Client } from '../redis/connection.ts';
import type { Attempt, Fence, NewMetricRow } from '../records/attempts.ts';
import type { Keys } from '../redis/keys.ts';
import { queueName, type StageQueue, type StageTicket } from './stages.ts';

/** A stage in a worker's hands. The writers reject with `stale_attempt`, and abort the signal, once it is not theirs. */
export interface StageRun extends Attempt {
  /** When the first stage of the job began, for its time limit. */
  jobStartedAt: string;
  /** Aborts when the consumer closes or the stage is no longer ours: end soon, by rejecting. */
  signal: AbortSignal;
  progress(progress: StageProgress): Promise<void>;
  metrics(rows: readonly NewMetricRow[]): Promise<void>;
  warning(message: string): Promise<void>;
}

/**
 * Does a stage and returns its result, plain JSON. What it rejects with is the reason of the failure: a retryable
 * DistilleryError is tried again, after a pause that grows, every other fails the job.
 */
export type StageHandler = (run: StageRun) => Promise<unknown>;

export interface ConsumeOptions {
  /** The name that the record shows. */
  worker: string;
  /** Stages at once, default 1. */
  concurrency?: number;
  /** After so long without a sign of life (ms, default 15 000), and a third at most, another worker takes the stage over. */
  lockDuration?: number;
  /**
   * A stage that has failed, or lost its worker, so many times in a row without getting any further than before fails its
   * job; default 5.
   */
  tries?: number;
  /** ms between two looks whether a job in hand was asked to stop, default 500. */
  controlInterval?: number;
  /** ms between two looks for stages that were lost, default 30 000. */
  reconcileInterval?: number;
}

export interface Consumer {
  /**
   * Takes no more stages and resolves when none is left in hand. A stage in hand hears of it by its signal: it goes
   * back to the queue if it then rejects; with `finish` it is left to run to its end.
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

class Closing extends Error {
  override name = 'Closing';
}

/** The job was asked to pause or to end. */
class Asked extends Error {
  override name = 'Asked';
}

/** Takes stages from BullMQ and has them handled, until closed. */
export async function consumeStages(
  { redis, keys, attempts, stages, onError }: Ports,
  handler: StageHandler,
  options: ConsumeOptions,
): Promise<Consumer> {
  const { worker: workerName, lockDuration = 15_000, tries = 5 } = options;
  /** Tickets that came to nothing, until BullMQ has let go of them. */
  const skipped = new Set<string>();
  let looking = false;
  const inHand = new Map<string, { jobId: string; controller: AbortController }>();

  async function take(ticket: Job<StageTicket>, token: string | undefined): Promise<void> {
    const { jobId, stageId } = ticket.data;
    const begun = await attempts.begin(jobId, stageId, workerName);
    if ('skip' in begun) {
      // Whoever succeeded may have died before it enqueued what comes next.
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
          `its last ${begun.failures} workers vanished or failed at it`,
        );
      }
      const result = await handler(stageRun(begun, controller));
      // Enqueued before BullMQ lets go of this stage: after a crash in between it is picked up, and skipped, above.
      await stages.enqueue(jobId, await attempts.succeed(begun, result));
    } catch (cause) {
      await settle(ticket, token, begun, cause, controller.signal);
    } finally {
      inHand.delete(id);
    }
  }

  function stageRun(begun: Attempt & { jobStartedAt: string }, controller: AbortController): StageRun {
    let last: Promise<void> = Promise.resolve();
    let number = 0;
    /** One after the other, also where one has to be sent again. */
    const ours = (write: () => Promise<void>) => {
      const written = last.then(write).catch((error: unknown) => {
        if (isStale(error)) controller.abort(error);
        throw error;
      });
      last = written.catch(() => {});
      return written;
    };
    return {
      ...begun,
      signal: controller.signal,
      progress: (progress) => ours(() => attempts.progress(begun, progress)),
      metrics: (rows) => ours(() => attempts.metrics(begun, rows, ++number)),
      warning: (message) => ours(() => attempts.warning(begun, message, ++number)),
    };
  }

  /** Writes the failure down, then tells BullMQ by what it throws. */
  async function settle(
    ticket: Job<StageTicket>,
    token: string | undefined,
    begun: Attempt,
    cause: unknown,
    signal: AbortSignal,
  ): Promise<never> {
    const error = asDistilleryError(cause);
    // BullMQ forgets the ticket of whatever is thrown, but for its own two errors.
    if (isStale(error) || isStale(signal.reason)) throw error;
    // A ticket of a job that stands still is taken once more, and skipped; one that goes on meanwhile goes on.
    if (signal.reason instanceof Asked || signal.reason instanceof Closing) {
      await attempts.handBack(begun);
      await ticket.moveToWait(token);
      throw new WaitingError(error.message);
    }
    const reason = { code: error.code, message: error.message };
    const failures = await attempts.fail(begun, reason, error.retryable ? tries : 1);
    if (failures === 0) throw error;
    await ticket.moveToDelayed(Date.now() + Math.min(60_000, 1000 * 2 ** failures), token);
    throw new DelayedError(error.message);
  }

  /** Nobody calls a worker: it looks at the jobs that it works on, which finds an order even after an outage. */
  async function lookForOrders(): Promise<void> {
    // While Redis is away one question waits for it, not one more every half second.
    if (looking) return;
    looking = true;
    try {
      for (const [jobId, controllers] of inHandByJob()) {
        const state = await redis.hget(keys.job(jobId), 'state');
        if (state !== 'pausing' && state !== 'cancelling') continue;
        for (const controller of controllers) controller.abort(new Asked(`the job is ${state}`));
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
    // The record counts them, and knows which of them were in vain.
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
  const timer = setInterval(() => void reconcile(), options.reconcileInterval ?? 30_000);
  timer.unref();
  const look = setInterval(() => void lookForOrders().catch(onError), options.controlInterval ?? 500);
  look.unref();

  return {
    async close({ finish = false } = {}) {
      clearInterval(timer);
      clearInterval(look);
      const closing = bull.close();
      if (!finish) {
        for (const { controller } of inHand.values()) controller.abort(new Closing('the worker is closing'));
      }
      await closing;
    },
  };
}

function isStale(error: unknown): boolean {
  return error instanceof DistilleryError && error.code === 'stale_attempt';
}
