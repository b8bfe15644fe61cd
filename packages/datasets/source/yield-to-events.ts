import { setImmediate } from 'node:timers/promises';

/**
 * Lets the event loop run once, so that the process can handle messages during a long computation.
 *
 * @throws the reason of the signal when it is aborted
 */
export async function yieldToEvents(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}
