/** When a delivery that failed is tried again, and when a webhook that fails is disabled. */
export interface RetryRules {
  /** Milliseconds to the second attempt; each pause after it is three times as long. */
  firstMs: number;
  /** For how long a delivery is tried. */
  forMs: number;
  /** After how long without a success the webhook is disabled. */
  disableMs: number;
}

/** A receiver that asks for a longer pause is asked again after this one. */
const longestAskedMs = 60 * 60 * 1000;
const longestMs = 6 * 60 * 60 * 1000;

/**
 * Returns the time of the next attempt, in ms; undefined when the delivery is given up. Pauses vary by a quarter, so that
 * the deliveries of a receiver that was away do not all come at once.
 *
 * @param attempts how many attempts have failed
 * @param since when the delivery was first tried, in ms
 * @param retryAfterSeconds the least pause that the receiver asks for; an hour is the most that it gets
 */
export function nextAttempt(
  { firstMs, forMs }: RetryRules,
  {
    attempts,
    since,
    now,
    retryAfterSeconds = 0,
  }: { attempts: number; since: number; now: number; retryAfterSeconds?: number },
  random = Math.random,
): number | undefined {
  const pause = Math.min(longestMs, firstMs * 3 ** Math.min(attempts - 1, 30)) * (0.75 + 0.5 * random());
  const asked = Math.min(longestAskedMs, 1000 * retryAfterSeconds);
  const next = Math.round(now + Math.max(pause, asked));
  return next - since > forMs ? undefined : next;
}
