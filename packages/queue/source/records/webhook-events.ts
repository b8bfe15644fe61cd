import { setTimeout as delay } from 'node:timers/promises';
import {
  asksFor,
  type BestStudent,
  type JobEvent,
  type WebhookEvent,
  type WebhookPayload,
  webhookTypeOf,
} from '@distillery/spec';
import { type Client, patient } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run } from '../redis/script.ts';
import { isLaterId } from '../redis/stream.ts';
import { passEventsScript } from '../scripts/webhooks.ts';
import type { DeliveryHead } from './deliveries.ts';
import { eventOf } from './events.ts';
import type { Followed } from './follow.ts';
import { webhookKeys } from './webhooks.ts';

/** How often a process looks whether there is a webhook now. */
const idleMs = 1000;
/** How many events of a log are read at once where the log of all jobs has a gap. */
const pageSize = 500;

interface Receiver {
  id: string;
  owner: string | null;
  events: WebhookEvent[];
  /** Whether it gets the events of all jobs of its owner. */
  all: boolean;
  /** The event after which its own begin. */
  since: string;
}

/** What webhooks tell of a job beside its event. */
type JobHead = WebhookPayload['data']['job'] & { webhooks: string[] };

/**
 * Passes the events of jobs to the deliveries of webhooks. Events and the cursor behind them move in one step, so that an
 * event is passed once whichever processes read the log, and none is lost when one ends.
 *
 * @param followAll reads the log of all jobs behind an event
 */
export function webhookEvents(
  redis: Client,
  keys: Keys,
  followAll: (after: string | undefined, signal: AbortSignal) => Promise<AsyncIterable<Followed>>,
  onError: (error: Error) => void,
) {
  /** @param deliveries the webhook, id, head and payload of each */
  const passed = async (cursor: string, next: string, deliveries: readonly string[]): Promise<string> => {
    const ids = deliveries.filter((_, index) => index % 4 === 0);
    const names = webhookKeys(keys, ids, [keys.webhookCursor]);
    return (await run(redis, passEventsScript, names, [cursor, next, ...deliveries])) as string;
  };

  async function receivers(): Promise<Receiver[]> {
    const ids = await redis.smembers(keys.webhooks);
    const found = await Promise.all(
      ids.map((id) => redis.hmget(keys.webhook(id), 'enabled', 'owner', 'events', 'jobs', 'since')),
    );
    return found.flatMap(([enabled, owner, events, jobs, since], index) =>
      enabled && events
        ? [
            {
              id: ids[index],
              owner: owner ?? null,
              events: events.split(' ') as WebhookEvent[],
              all: jobs === 'all',
              since: since ?? '',
            },
          ]
        : [],
    );
  }

  async function headOf(job: string): Promise<JobHead | undefined> {
    const fields = ['id', 'name', 'labels', 'owner', 'best', 'webhooks'];
    const read = (name: string) => redis.hmget(name, ...fields);
    const present = await read(keys.job(job));
    const [id, name, labels, owner, best, webhooks] = present[0] ? present : await read(keys.deletedJob(job));
    if (!id) return undefined;
    return {
      id,
      name: name ?? null,
      labels: JSON.parse(labels ?? '{}') as Record<string, string>,
      owner: owner ?? null,
      best: best ? (JSON.parse(best) as BestStudent) : null,
      webhooks: webhooks?.split(' ') ?? [],
    };
  }

  /** The arguments of the script for each event and each webhook that asks for it. */
  async function argumentsOf(events: readonly JobEvent[]): Promise<string[]> {
    const all = await receivers();
    const wanted = events.filter((event) => all.some((one) => asksFor(one.events, webhookTypeOf(event))));
    const jobs = [...new Set(wanted.map(({ job }) => job))];
    const heads = new Map(await Promise.all(jobs.map(async (job) => [job, await headOf(job)] as const)));
    return wanted.flatMap((event) => {
      const job = heads.get(event.job);
      if (job === undefined) return [];
      const type = webhookTypeOf(event);
      const { webhooks, ...shown } = job;
      const mine = all.filter(
        (one) =>
          one.owner === job.owner &&
          (one.all || webhooks.includes(one.id)) &&
          asksFor(one.events, type) &&
          isLaterId(event.id, one.since),
      );
      if (mine.length === 0) return [];
      const payload: WebhookPayload = { type, timestamp: event.time, data: { event, job: shown } };
      const head: DeliveryHead = { type, job: job.id, createdAt: event.time };
      return mine.flatMap(({ id }) => [id, event.id, JSON.stringify(head), JSON.stringify(payload)]);
    });
  }

  /** @returns the cursor behind the events; '' when there is no webhook any more */
  async function pass(from: string, events: readonly JobEvent[]): Promise<string> {
    for (let cursor = from; ; ) {
      const later = events.filter(({ id }) => isLaterId(id, cursor));
      const last = later.at(-1)?.id;
      if (last === undefined) return cursor;
      const now = await passed(cursor, last, await argumentsOf(later));
      if (now === last || now === '') return now;
      // Another process was faster, perhaps with a part of these events.
      cursor = now;
    }
  }

  /**
   * Reads what the log of all jobs no longer has from the logs of the jobs, which hold as many events each, then what it still
   * has, some of it of jobs that were deleted; and moves the cursor when all are passed. An event that is read twice is
   * recognised by its id.
   */
  async function passFromLogs(from: string, latest: string): Promise<string> {
    for (const job of await redis.zrange(keys.all, '0', '-1')) await passLog(job, from, latest);
    await passLog(undefined, from, latest);
    return passed(from, latest, []);
  }

  async function passLog(job: string | undefined, from: string, latest: string): Promise<void> {
    const log = job === undefined ? keys.allEvents : keys.events(job);
    for (let at = from; ; ) {
      const entries = await redis.xrange(log, `(${at}`, latest, 'COUNT', pageSize);
      const args = await argumentsOf(entries.map((entry) => eventOf(entry, job)));
      if (args.length > 0) await passed('', '', args);
      if (entries.length < pageSize) return;
      at = entries[entries.length - 1][0];
    }
  }

  return {
    /** Passes events until the signal aborts; interruptions of Redis are waited for. `onPassed` is called after each part. */
    async run(signal: AbortSignal, onPassed: () => void = () => {}): Promise<void> {
      const lasting = patient(signal, onError);
      const patiently = {
        cursor: lasting(() => redis.get(keys.webhookCursor)),
        pass: lasting(pass),
        passFromLogs: lasting(passFromLogs),
      };
      while (!signal.aborted) {
        try {
          let cursor = (await patiently.cursor()) ?? '';
          if (cursor === '') {
            await delay(idleMs, undefined, { signal });
            continue;
          }
          for await (const part of await followAll(cursor, signal)) {
            if ('events' in part) cursor = await patiently.pass(cursor, part.events);
            // A log that ends before the cursor has lost its end: what comes now is new.
            else cursor = await patiently.passFromLogs(cursor, part.gone.latest ?? '0-0');
            onPassed();
            if (cursor === '') break;
          }
        } catch (error) {
          if (signal.aborted) return;
          onError(error as Error);
          await delay(idleMs, undefined, { signal }).catch(() => {});
        }
      }
    },
  };
}
