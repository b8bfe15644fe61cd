import type { JobView, StreamEvent } from '@distillery/spec';
import { isTerminal } from '@distillery/spec/states';
import { delay } from './delay.ts';
import { isTransient } from './retry.ts';
import type { CallOptions } from './transport.ts';

export interface WatchOptions extends CallOptions {
  /** The least milliseconds between two views, default 500. */
  interval?: number;
  /** Is told when the service cannot be reached for now; watching goes on when it can. */
  onLost?: ((reason: unknown) => void) | undefined;
  /** Gets each event of the job, once. */
  onEvent?: ((event: StreamEvent) => void) | undefined;
}

interface Sources {
  /** @param again whether a failure that may pass needs no further attempt here */
  view(again: boolean): Promise<JobView>;
  events(signal: AbortSignal): AsyncIterable<StreamEvent>;
}

/** Some of a view changes without an event, such as what the job waits for. */
const longestSilenceMs = 5000;
const longestPauseMs = 15_000;

/**
 * Yields the view of a job, and again when something has happened to it, until it has ended: the last view is the final
 * one. An outage of the service after the first view is waited for.
 */
export async function* watchJob(
  { view, events }: Sources,
  { interval = 500, signal, onLost, onEvent }: WatchOptions,
): AsyncGenerator<JobView, void, void> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const waiting: { failure?: unknown; ended: boolean; wake: () => void } = { ended: false, wake: () => {} };
  let reached = false;
  let failures = 0;

  const follow = async () => {
    try {
      for await (const event of events(stop.signal)) {
        onEvent?.(event);
        waiting.wake();
      }
    } catch (error) {
      if (!stop.signal.aborted) waiting.failure = error;
    }
    waiting.ended = true;
    waiting.wake();
  };

  try {
    signal?.throwIfAborted();
    let following: Promise<void> | undefined;
    for (;;) {
      // Set before the view is read, so that an event in between is not missed.
      const changed = new Promise<void>((resolve) => {
        waiting.wake = resolve;
      });
      try {
        const now = await view(reached);
        reached = true;
        failures = 0;
        following ??= follow();
        yield now;
        if (isTerminal(now.state)) return;
      } catch (error) {
        signal?.throwIfAborted();
        if (!reached || !isTransient(error)) throw error;
        onLost?.(error);
        await delay(Math.min(longestPauseMs, interval * 2 ** failures++), signal);
        continue;
      }
      await delay(interval, signal);
      // The events have ended, but the view before did not say so yet: a retry of the job may come after its end.
      if (waiting.failure !== undefined && !isTransient(waiting.failure)) throw waiting.failure;
      if (waiting.ended) continue;
      const silence = setTimeout(waiting.wake, longestSilenceMs);
      await changed;
      clearTimeout(silence);
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    stop.abort();
  }
}
