import { setImmediate } from 'node:timers/promises';

/**
 * Lets the event loop turn once, so that a long computation leaves the process able to read its messages.
 *
 * @throws the reason of the signal once it is aborted
 */
export async function yieldToEvents(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
