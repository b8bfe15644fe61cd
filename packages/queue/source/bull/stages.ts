import type { JobState } from '@distillery/spec';
import { Queue } from 'bullmq';
import { type Client, guarded, translate } from '../redis/connection.ts';
import { type Keys, scriptKeys, workKeys } from '../redis/keys.ts';
import { run } from '../redis/script.ts';
import { listScript, loseScript } from '../scripts/begin.ts';
import { chooseScript } from '../scripts/choose.ts';

export const queueName = 'stages';

/** How long a ticket rests whose worker can take none of the stages that are ready, in ms, before a worker takes it again. */
const restMs = 1000;

/** Each ticket is a command of its own, and a job may have thousands of stages that are ready at once. */
const ticketsAtOnce = 100;

/** A stage that was chosen for a ticket. */
interface Chosen {
  jobId: string;
  stageId: string;
}

export interface StageQueue {
  /** Adds tickets until there are as many as stages that may be taken. It can be called at any time. */
  offer(): Promise<void>;
  /** The stage that the holder of a ticket runs next; the milliseconds until there is one; undefined without work. */
  choose(ticket: string, capabilities: readonly string[]): Promise<Chosen | { wait: number } | undefined>;
  /** Queues the stages again whose tickets BullMQ has lost, and offers what a crash has left without a ticket. */
  reconcile(): Promise<void>;
  /** Lists the stages of all live jobs that an earlier version of Distillery has queued. */
  adopt(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The work in BullMQ: one queue of tickets. A ticket tells a worker that there is work, and BullMQ watches over its lock.
 * Which stage the worker gets is decided when it takes the ticket, by the ready list beside the records, so that stages
 * run in the order that holds then. A ticket too many finds no work and is dropped.
 */
export function stageQueue(redis: Client, keys: Keys, onError: (error: Error) => void): StageQueue {
  let opening: Promise<Queue> | undefined;

  /** Opened at the first use: BullMQ never recovers from a Redis that was away when it opened a queue. */
  async function queue(): Promise<Queue> {
    // A connection that fails at once throws here, where BullMQ would wait for Redis without end.
    await redis.exists(keys.all);
    opening ??= openBull().catch((error: unknown) => {
      opening = undefined;
      throw translate(error);
    });
    return opening;
  }

  async function openBull() {
    const bull = new Queue(queueName, { connection: redis, prefix: keys.prefix });
    bull.on('error', onError);
    try {
      await bull.waitUntilReady();
    } catch (error) {
      await bull.close().catch(() => {});
      throw error;
    }
    return bull;
  }

  const offer = guarded(async () => {
    const bull = await queue();
    const [ready, delayed] = await Promise.all([redis.zcard(keys.ready), redis.zcard(keys.delayed)]);
    const tickets = await bull.getJobCountByTypes('wait', 'prioritized', 'delayed');
    const ticket = { name: 'stage', data: {}, opts: { removeOnComplete: true, removeOnFail: true } };
    for (let missing = ready + delayed - tickets; missing > 0; missing -= ticketsAtOnce) {
      await bull.addBulk(Array.from({ length: Math.min(missing, ticketsAtOnce) }, () => ticket));
    }
  });

  const choose = guarded(async (ticket: string, capabilities: readonly string[]) => {
    const [job, stage] = (await run(redis, chooseScript, workKeys(keys), [
      ticket,
      restMs,
      keys.job(''),
      ...capabilities,
    ])) as [string, string] | [number] | [];
    if (typeof job === 'number') return { wait: job };
    return job === undefined ? undefined : { jobId: job, stageId: stage as string };
  });

  const reconcile = guarded(async () => {
    const bull = await queue();
    const running = Object.entries(await redis.hgetall(keys.running));
    const held = await Promise.all(running.map(([ticket]) => redis.exists(bull.toKey(ticket))));
    for (const [i, [ticket, text]] of running.entries()) {
      const [jobId, stageId] = text.split(' ');
      if (held[i] === 0) await run(redis, loseScript, scriptKeys(keys, jobId), [stageId, ticket]);
    }
    await offer();
  });

  const adopt = guarded(async () => {
    const live: JobState[] = ['queued', 'running', 'pausing', 'cancelling'];
    for (const state of live) {
      for (const jobId of await redis.zrange(keys.inState(state), '0', '-1')) {
        await run(redis, listScript, scriptKeys(keys, jobId), []);
      }
    }
  });

  return {
    offer,
    choose,
    reconcile,
    adopt,
    async close() {
      const bull = await opening?.catch(() => undefined);
      await bull?.close();
    },
  };
}
