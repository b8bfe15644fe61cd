import { ApiError } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';

const firstPauseMs = 250;
const longestPauseMs = 8000;
/** A service that asks for a longer wait is not waited for: the caller can decide better. */
const longestAskedSeconds = 60;

/** Whether the same request may succeed if it is sent again after a pause. */
export function isTransient(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ApiError && error.transient);
}

/**
 * Returns the milliseconds before the next attempt: a random part of a time that doubles, so that clients of a service
 * that starts again do not all come at once, and never less than the service asks for.
 *
 * @param attempt the attempts so far, from 1
 * @returns undefined when the service asks for more than a minute
 */
export function pauseMs(attempt: number, error: unknown, random = Math.random): number | undefined {
  const spread = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)) * random();
  const asked = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) : 0;
  return asked > longestAskedSeconds ? undefined : 1000 * asked + spread;
}
