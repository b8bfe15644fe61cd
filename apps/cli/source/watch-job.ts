import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '@distillery/client';
import { isTerminal, type JobView } from '@distillery/spec';
import { isOutage } from './failure.ts';
import { progressPrinter } from './progress.ts';

export interface WatchContext {
  client: Client;
  out: NodeJS.WriteStream;
  onInterrupt?(tidy: () => string): void;
  /** Ends the watch, which throws the reason of the signal. */
  signal?: AbortSignal;
}

/** Milliseconds before the first attempt to reach the API again; each further wait is twice as long. */
const firstPause = 500;
const longestPause = 15_000;

/**
 * Shows a job's progress until it ends. An API that stops responding in between, as it does during a restart, is asked
 * again until it responds: a job can take longer than the API stays up.
 *
 * @throws Error with the job's reason, unless it succeeds; fetch's TypeError when the first request fails
 */
export async function watchJob(context: WatchContext, id: string): Promise<JobView> {
  const { client, out, onInterrupt, signal } = context;
  const printer = progressPrinter(out);
  onInterrupt?.(() => {
    printer.end();
    return `  ${id} goes on; follow it with: distill watch ${id}`;
  });
  let last: JobView | undefined;
  let pause = firstPause;
  try {
    while (last === undefined || !isTerminal(last.state)) {
      try {
        const options = { interval: out.isTTY ? 300 : 1000, ...(signal && { signal }) };
        for await (const view of client.watch(id, options)) {
          last = view;
          pause = firstPause;
          printer.show(view);
        }
      } catch (error) {
        if (last === undefined || !isOutage(error)) throw error;
        if (pause === firstPause) printer.note('  the API does not respond; trying again until it does');
        await wait(pause, undefined, { signal });
        pause = Math.min(2 * pause, longestPause);
      }
    }
  } finally {
    printer.end();
    onInterrupt?.(() => '');
  }
  if (last.state !== 'succeeded') {
    const { reason } = last;
    throw new Error(`${id} ${last.state}${reason === null ? '' : ` (${reason.code}): ${reason.message}`}`);
  }
  return last;
}
