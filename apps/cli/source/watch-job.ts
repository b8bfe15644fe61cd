import type { Client } from '@distillery/client';
import type { JobView } from '@distillery/spec';
import { progressPrinter } from './progress.ts';

export interface WatchContext {
  client: Client;
  out: NodeJS.WriteStream;
  onInterrupt?(tidy: () => string): void;
  /** Ends the watch, which throws the reason of the signal. */
  signal?: AbortSignal;
}

/**
 * Shows a job's progress until it ends. An API that stops responding in between, as it does during a restart, is asked
 * again until it responds: a job can take longer than the API stays up.
 *
 * @throws Error with the job's reason, unless it succeeds; ConnectionError when the API cannot be reached at first
 */
export async function watchJob(context: WatchContext, id: string): Promise<JobView> {
  const { client, out, onInterrupt, signal } = context;
  const printer = progressPrinter(out);
  onInterrupt?.(() => {
    printer.end();
    return `  ${id} goes on; follow it with: distill watch ${id}`;
  });
  let last: JobView | undefined;
  let lost = false;
  const onLost = () => {
    if (!lost) printer.note('  the API does not respond; trying again until it does');
    lost = true;
  };
  try {
    const options = { interval: out.isTTY ? 300 : 1000, signal, onLost };
    for await (const view of client.jobs.watch(id, options)) {
      last = view;
      lost = false;
      printer.show(view);
    }
  } finally {
    printer.end();
    onInterrupt?.(() => '');
  }
  if (last?.state !== 'succeeded') {
    const { state, reason = null } = last ?? {};
    throw new Error(`${id} ${state}${reason === null ? '' : ` (${reason.code}): ${reason.message}`}`);
  }
  return last;
}
