import type { JobState } from '@distillery/spec';
import { Queue } from 'bullmq';
import { type Client, guarded, translate } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { type Fields, openStages } from '../records/record.ts';

export const queueName = 'stages';

/** The entry of a stage in BullMQ; the record of the job has everything else. */
export interface StageTicket {
  jobId: string;
  stageId: string;
}

export interface StageQueue {
  /**
   * Offers stages to the workers. Adding a stage that BullMQ already holds, waiting or running, changes nothing; a stage
   * that BullMQ has released can be added again.
   */
  enqueue(jobId: string, stageIds: readonly string[]): Promise<void>;
  /** Enqueues every stage of a job that may be taken; none of a job that is paused, stopping or has ended. */
  enqueueOpen(jobId: string): Promise<void>;
  /**
   * Enqueues every stage of every live job that may be taken: those that a crash between the write of the record and the
   * enqueueing has left out. It can be called at any time.
   */
  reconcile(): Promise<void>;
  close(): Promise<void>;
}

/** The work in BullMQ: one queue, one entry a stage. The state of a job is in its record alone. */
export function stageQueue(redis: Client, keys: Keys, onError: (error: Error) => void): StageQueue {
  let opening: Promise<Queue<StageTicket>> | undefined;

  /** Opened at the first use: BullMQ never recovers from a Redis that was away when it opened a queue. */
  async function queue(): Promise<Queue<StageTicket>> {
    // A connection that fails at once throws here, where BullMQ would wait for Redis without end.
    await redis.exists(keys.all);
    opening ??= openBull().catch((error: unknown) => {
      opening = undefined;
      throw translate(error);
    });
    return opening;
  }

  async function openBull() {
    const bull = new Queue<StageTicket>(queueName, { connection: redis, prefix: keys.prefix });
    bull.on('error', onError);
    try {
      await bull.waitUntilReady();
    } catch (error) {
      await bull.close().catch(() => {});
      throw error;
    }
    return bull;
  }

  const enqueue = guarded(async (jobId: string, stageIds: readonly string[]) => {
    if (stageIds.length === 0) return;
    const bull = await queue();
    const priority = bullPriority(await redis.hget(keys.job(jobId), 'priority'));
    await bull.addBulk(
      stageIds.map((stageId) => ({
        name: 'stage',
        data: { jobId, stageId },
        opts: {
          jobId: ticketId(jobId, stageId),
          priority,
          removeOnComplete: true,
          removeOnFail: true,
        },
      })),
    );
  });

  async function open(jobId: string): Promise<string[]> {
    const fields: Fields = await redis.hgetall(keys.job(jobId));
    return fields.id === undefined ? [] : openStages(fields);
  }

  const enqueueOpen = guarded(async (jobId: string) => {
    const state = (await redis.hget(keys.job(jobId), 'state')) as JobState | null;
    if (state === 'queued' || state === 'running') await enqueue(jobId, await open(jobId));
  });

  /** The stages of these that BullMQ does not hold: adding the others again would only fill its log. */
  async function missing(jobId: string, stageIds: string[]): Promise<string[]> {
    const bull = await queue();
    const held = await Promise.all(stageIds.map((id) => redis.exists(bull.toKey(ticketId(jobId, id)))));
    return stageIds.filter((_, i) => held[i] === 0);
  }

  const reconcile = guarded(async () => {
    const live: JobState[] = ['queued', 'running', 'pausing', 'cancelling'];
    for (const state of live) {
      for (const jobId of await redis.zrange(keys.inState(state), '0', '-1')) {
        await enqueue(jobId, await missing(jobId, await open(jobId)));
      }
    }
  });

  return {
    enqueue,
    enqueueOpen,
    reconcile,
    async close() {
      const bull = await opening?.catch(() => undefined);
      await bull?.close();
    },
  };
}

/** BullMQ takes 1 first, but 0, no priority, before all others. */
function bullPriority(priority: string | null): number {
  return 11 - Number(priority ?? 0);
}

/** BullMQ refuses a colon. */
function ticketId(jobId: string, stageId: string): string {
  return `${jobId}.${stageId}`;
}
