import type { DeliveryAttempt } from '@distillery/spec';
import type { WebhookTarget } from '@distillery/queue';
import type { AddressRule } from '../outgoing/addresses.ts';
import { reasonOf } from '../outgoing/reason.ts';
import { post } from './post.ts';
import { signedHeaders } from './signature.ts';

/** What all requests to webhooks have in common. */
export interface AttemptOptions {
  allows: AddressRule;
  timeoutMs: number;
  /** The `User-Agent`. */
  agent: string;
  /** Breaks an attempt off. */
  closing: AbortSignal;
}

export interface Attempted {
  made: DeliveryAttempt;
  /** The seconds that the receiver asks to be left alone; 0 when it does not. */
  retryAfterSeconds: number;
}

/**
 * Makes one attempt of a delivery.
 *
 * @returns how it went; null when it was broken off, so that nothing is known
 */
export async function attempt(
  { url, secrets }: WebhookTarget,
  { id, payload }: { id: string; payload: string },
  { allows, timeoutMs, agent, closing }: AttemptOptions,
): Promise<Attempted | null> {
  const begun = Date.now();
  const headers = {
    'content-type': 'application/json',
    'user-agent': agent,
    ...signedHeaders(secrets, id, Math.floor(begun / 1000), payload),
  };
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`no response within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const ended = (status: number | null, error: string | null, retryAfterSeconds = 0): Attempted => ({
    made: { time: new Date(begun).toISOString(), durationMs: Date.now() - begun, status, error },
    retryAfterSeconds,
  });
  try {
    const signal = AbortSignal.any([late.signal, closing]);
    const { status, retryAfterSeconds } = await post({ url, headers, body: payload, allows, signal });
    return ended(status, errorOf(status), retryAfterSeconds);
  } catch (error) {
    if (closing.aborted && !late.signal.aborted) return null;
    return ended(null, reasonOf(error as NodeJS.ErrnoException));
  } finally {
    clearTimeout(timer);
  }
}

/** Why a response is no success. */
function errorOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status === 410) return 'the receiver answered 410: it wants no more events';
  return status >= 300 && status < 400
    ? `the receiver answered ${status}; redirects are not followed`
    : `the receiver answered ${status}`;
}
