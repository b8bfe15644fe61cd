import { setTimeout as delay } from 'node:timers/promises';
import type { ClaimedDelivery, DistilleryQueue, Outcome } from '@distillery/queue';
import type { Logger } from 'pino';
import { attempt, type Attempted, type AttemptOptions } from './attempt.ts';
import { nextAttempt, type RetryRules } from './retries.ts';

export interface WebhookSenderOptions extends RetryRules, Omit<AttemptOptions, 'closing'> {
  /** The most requests at once; each webhook has one at a time. */
  atOnce?: number;
  /** For how long requests in progress may go on while the API closes. */
  graceMs?: number;
  /** Is called after each attempt whose end is known. */
  onAttempt?: (outcome: 'delivered' | 'failed' | 'given_up') => void;
}

const pollMs = 500;
/** For how long a claim outlasts the request: Redis must hear of its end in this time. */
const marginMs = 10_000;

/** Passes what happens to jobs to webhooks, and sends their requests. Several processes share the work. */
export function startWebhookSender(
  { webhooks }: Pick<DistilleryQueue, 'webhooks'>,
  log: Logger,
  options: WebhookSenderOptions,
): { close(): Promise<void> } {
  const { atOnce = 32, graceMs = 5000, timeoutMs, disableMs, onAttempt } = options;
  const closing = new AbortController();
  const broken = new AbortController();
  const active = new Set<Promise<void>>();
  let asleep = new AbortController();
  const wake = () => asleep.abort();
  closing.signal.addEventListener('abort', wake);

  function outcomeOf(
    { attempts, since, failingSince }: ClaimedDelivery,
    { made, retryAfterSeconds }: Attempted,
  ): Outcome {
    if (made.error === null) return { attempt: made, next: 'delivered' };
    if (made.status === 410) return { attempt: made, next: 'failed', disable: made.error };
    const now = Date.now();
    const failingMs = now - (failingSince ?? now);
    const disable =
      failingMs >= disableMs
        ? `every attempt has failed since ${new Date(now - failingMs).toISOString()}, the last one: ${made.error}`
        : undefined;
    const counted = attempts.filter(({ time }) => Date.parse(time) >= since).length + 1;
    return {
      attempt: made,
      next: nextAttempt(options, { attempts: counted, since, now, retryAfterSeconds }) ?? 'failed',
      disable,
    };
  }

  async function deliver(claimed: ClaimedDelivery): Promise<void> {
    const attempted = await attempt(claimed.target, claimed, { ...options, closing: broken.signal });
    const outcome: Outcome =
      attempted === null ? { attempt: null, next: Date.now() } : outcomeOf(claimed, attempted);
    if (outcome.attempt !== null) {
      onAttempt?.(
        outcome.next === 'failed' ? 'given_up' : outcome.next === 'delivered' ? 'delivered' : 'failed',
      );
    }
    const { webhook, id } = claimed;
    const settled = await settle(claimed, outcome);
    log.debug({ webhook, delivery: id, outcome, settled }, 'an attempt to deliver to a webhook');
    if (settled && outcome.disable !== undefined)
      log.warn({ webhook, reason: outcome.disable }, 'a webhook is disabled');
  }

  /** Redis may be away for a moment; the claim ends soon after the last try. */
  async function settle(claimed: ClaimedDelivery, outcome: Outcome): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        return await webhooks.deliveries.settle(claimed, outcome);
      } catch (error) {
        if (tries === 5 || broken.signal.aborted) throw error;
        await delay(200 * tries);
      }
    }
  }

  /** Waits until there may be something to send: the time is over, events were passed, or a request has ended. */
  async function sleep(ms: number): Promise<void> {
    if (!closing.signal.aborted) await delay(ms, undefined, { signal: asleep.signal }).catch(() => {});
    asleep = new AbortController();
  }

  async function send(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        if (active.size >= atOnce) {
          await Promise.race(active);
          continue;
        }
        const claimed = await webhooks.deliveries.claim(timeoutMs + marginMs);
        if (typeof claimed === 'object') {
          const work: Promise<void> = deliver(claimed)
            .catch((error: unknown) => {
              log.warn({ err: error, webhook: claimed.webhook }, 'the end of an attempt was not stored');
            })
            .finally(() => {
              active.delete(work);
              wake();
            });
          active.add(work);
          continue;
        }
        await sleep(Math.min(pollMs, claimed ?? pollMs));
      } catch (error) {
        log.debug({ err: error }, 'deliveries to webhooks could not be read');
        await sleep(pollMs);
      }
    }
  }

  const work = Promise.all([webhooks.passEvents(closing.signal, wake), send()]);
  return {
    /** Takes no more deliveries, lets requests in progress end or breaks them off, and hands these back. */
    async close() {
      closing.abort();
      const timer = setTimeout(() => broken.abort(new Error('the API closes')), graceMs);
      await work;
      await Promise.all(active);
      clearTimeout(timer);
    },
  };
}
