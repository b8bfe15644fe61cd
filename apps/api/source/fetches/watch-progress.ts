import type { arriving } from './arriving.ts';
import type { FetchRules } from './rules.ts';

/**
 * Aborts a request whose host makes no progress: no answer, or fewer than the least bytes within the time.
 *
 * @param signal aborts it, too
 */
export function watchProgress(
  { stallMs, leastBytes }: Pick<FetchRules, 'stallMs' | 'leastBytes'>,
  signal: AbortSignal,
) {
  const stalled = new AbortController();
  let watched: ReturnType<typeof arriving> | undefined;
  let before = 0;
  const timer = setInterval(() => {
    const now = watched?.total() ?? 0;
    if (now - before < leastBytes && watched?.isFull() !== true)
      stalled.abort(new Error(`the host has sent fewer than ${leastBytes} bytes in ${stallMs / 1000} s`));
    before = now;
  }, stallMs);
  return {
    signal: AbortSignal.any([stalled.signal, signal]),
    /** Watches a body, too. */
    watch(body: ReturnType<typeof arriving>): void {
      watched = body;
    },
    end: () => clearInterval(timer),
  };
}
