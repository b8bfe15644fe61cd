import { randomUUID } from 'node:crypto';
import { type Delivery, type DeliveryAttempt, DistilleryError } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run } from '../redis/script.ts';
import {
  claimDeliveryScript,
  noteDeliveryScript,
  redeliverScript,
  settleDeliveryScript,
} from '../scripts/webhooks.ts';
import { targetOf, webhookKeys, type WebhookTarget } from './webhooks.ts';

/** What the list shows of a delivery besides its attempts. */
export type DeliveryHead = Pick<Delivery, 'type' | 'job' | 'createdAt'>;

/** A delivery that this process makes. */
export interface ClaimedDelivery {
  webhook: string;
  id: string;
  head: DeliveryHead;
  /** The body of the request. */
  payload: string;
  target: WebhookTarget;
  /** The attempts so far. */
  attempts: DeliveryAttempt[];
  /** Since when it is tried, in ms. */
  since: number;
  /** Since when every attempt for the webhook has failed, in ms; null when the last one did not. */
  failingSince: number | null;
  claim: string;
}

/** What came of an attempt. */
export interface Outcome {
  /** Null when it was broken off, so that it counts neither way. */
  attempt: DeliveryAttempt | null;
  /** `delivered`, `failed` (given up), or the time of the next attempt in ms. */
  next: 'delivered' | 'failed' | number;
  /** Why the webhook is disabled with it. */
  disable?: string | undefined;
}

export interface DeliveryQuery {
  state?: Delivery['state'] | undefined;
  limit: number;
  /** The id of the last delivery of the page before. */
  after?: string | undefined;
}

const keptAttempts = 20;

/** The deliveries of webhooks: those that wait, and the last that have ended. */
export function deliveryRecords(redis: Client, keys: Keys) {
  const below = (webhook: string, part: string) => `${keys.webhook(webhook)}:${part}`;

  async function viewsOf(
    webhook: string,
    ids: readonly string[],
    due: ReadonlyMap<string, number>,
  ): Promise<Delivery[]> {
    if (ids.length === 0) return [];
    const fields = ids.flatMap((id) => [id, `${id}:attempts`, `${id}:state`]);
    const found = await redis.hmget(below(webhook, 'deliveries'), ...fields);
    return ids.flatMap((id, index): Delivery[] => {
      const [head, attempts, state] = found.slice(3 * index, 3 * index + 3);
      // Ended deliveries are forgotten while they are listed.
      if (!head) return [];
      const at = due.get(id);
      return [
        {
          id,
          ...(JSON.parse(head) as DeliveryHead),
          state: at === undefined ? ((state ?? 'failed') as Delivery['state']) : 'waiting',
          nextAttemptAt: at === undefined ? null : new Date(at).toISOString(),
          attempts: JSON.parse(attempts || '[]') as DeliveryAttempt[],
        },
      ];
    });
  }

  return {
    /** Lists deliveries, newest first: all that wait, and the last 200 that have ended. */
    list: guarded(
      async (
        webhook: string,
        { state, limit, after }: DeliveryQuery,
      ): Promise<{ deliveries: Delivery[]; next: string | null }> => {
        const [waiting, ended] = await Promise.all([
          redis.zrange(below(webhook, 'waiting'), '0', '-1', 'WITHSCORES'),
          redis.zrange(below(webhook, 'ended'), '0', '-1'),
        ]);
        const due = new Map<string, number>();
        for (let i = 0; i < waiting.length; i += 2) due.set(waiting[i], Number(waiting[i + 1]));
        const ids = state === 'waiting' ? [...due.keys()] : state ? ended : [...due.keys(), ...ended];
        const sorted = [...new Set(ids)].sort((a, b) => compare(b, a));
        const from = after === undefined ? 0 : sorted.findIndex((id) => compare(id, after) < 0);
        const rest = from === -1 ? [] : sorted.slice(from);
        const views =
          state === undefined || state === 'waiting'
            ? await viewsOf(webhook, rest.slice(0, limit + 1), due)
            : (await viewsOf(webhook, rest, due)).filter((one) => one.state === state);
        const deliveries = views.slice(0, limit);
        return { deliveries, next: views.length > limit ? (deliveries.at(-1)?.id ?? null) : null };
      },
    ),

    /** @throws DistilleryError `delivery_not_found` */
    get: guarded(async (webhook: string, id: string): Promise<Delivery> => {
      const score = await redis.zscore(below(webhook, 'waiting'), id);
      const due = new Map(score === null ? [] : [[id, Number(score)]]);
      const [found] = await viewsOf(webhook, [id], due);
      if (found === undefined || id.includes(':')) throw missing(id);
      return found;
    }),

    /** Sends an event again, from now on. @throws DistilleryError `delivery_not_found`; `state_conflict` while the webhook is disabled */
    redeliver: guarded(async (webhook: string, id: string): Promise<void> => {
      if (id.includes(':')) throw missing(id);
      try {
        await run(redis, redeliverScript, webhookKeys(keys, [webhook]), [webhook, id]);
      } catch (error) {
        const text = error instanceof Error ? error.message : '';
        if (text.startsWith('UNKNOWN')) throw missing(id);
        if (!text.startsWith('DISABLED')) throw error;
        const message = 'the webhook is disabled; enable it first';
        throw new DistilleryError('state_conflict', message, { cause: error });
      }
    }),

    /** Lists a delivery that was made already, such as a test. */
    note: guarded(
      async (
        webhook: string,
        delivery: { id: string; head: DeliveryHead; payload: string; attempt: DeliveryAttempt },
      ): Promise<void> => {
        const { id, head, payload, attempt } = delivery;
        const state: Delivery['state'] = attempt.error === null ? 'delivered' : 'failed';
        const args = [webhook, id, JSON.stringify(head), payload, JSON.stringify([attempt]), state];
        await run(redis, noteDeliveryScript, webhookKeys(keys, [webhook]), args);
      },
    ),

    /**
     * Takes the delivery that has waited longest. While a webhook has one under way, no process takes another of it.
     *
     * @param claimMs for how long it is this process' own; then another one makes the attempt again
     * @returns the delivery, or the milliseconds until there may be one; undefined when none waits
     */
    claim: guarded(async (claimMs: number): Promise<ClaimedDelivery | number | undefined> => {
      const claim = randomUUID();
      const [next] = await redis.zrange(keys.webhooksDue, '0', '0');
      if (next === undefined) return undefined;
      const names = webhookKeys(keys, [next]);
      const reply = (await run(redis, claimDeliveryScript, names, [claimMs, claim, next])) as string[];
      if (reply.length < 2) return reply.length === 0 ? undefined : Number(reply[0]);
      const [
        webhook,
        id,
        head,
        payload,
        since,
        attempts,
        url,
        secret,
        previousSecret,
        previousUntil,
        failing,
      ] = reply;
      return {
        webhook,
        id,
        head: JSON.parse(head) as DeliveryHead,
        payload,
        since: Number(since),
        attempts: JSON.parse(attempts || '[]') as DeliveryAttempt[],
        target: targetOf({ url, secret, previousSecret, previousUntil }),
        failingSince: failing === '' ? null : Number(failing),
        claim,
      };
    }),

    /** Tells what came of an attempt. @returns whether the delivery was still this process' own */
    settle: guarded(
      async (
        { webhook, id, attempts, claim }: ClaimedDelivery,
        { attempt, next, disable = '' }: Outcome,
      ): Promise<boolean> => {
        const all = attempt === null ? attempts : [...attempts, attempt].slice(-keptAttempts);
        const success = attempt === null ? '' : attempt.error === null ? 'yes' : 'no';
        const args = [webhook, claim, id, JSON.stringify(all), next, success, disable];
        return (await run(redis, settleDeliveryScript, webhookKeys(keys, [webhook]), args)) === 1;
      },
    ),
  };
}
export type Deliveries = ReturnType<typeof deliveryRecords>;

/** Ids of deliveries begin with milliseconds; those of events have a number behind a dash. */
function compare(a: string, b: string): number {
  const [aTime, aRest = ''] = a.split('-');
  const [bTime, bRest = ''] = b.split('-');
  return (
    Number(aTime) - Number(bTime) ||
    aRest.length - bRest.length ||
    (aRest < bRest ? -1 : aRest > bRest ? 1 : 0)
  );
}

function missing(id: string): DistilleryError {
  return new DistilleryError(
    'delivery_not_found',
    `the webhook has no delivery ${JSON.stringify(id.slice(0, 100))}; it keeps the last 200 that have ended`,
  );
}
