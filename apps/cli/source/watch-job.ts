import type { Client } from '@distillery/client';
import type { JobView } from '@distillery/spec';
import { progressPrinter } from './progress.ts';

export interface WatchContext {
  client: Client;
  out: NodeJS.WriteStream;
  onInterrupt?(tidy: () => string): void;
}

/**
 * Shows a job's progress until it ends.
 *
 * @throws Error with the job's reason, unless it succeeds
 */
export async function watchJob({ client, out, onInterrupt }: WatchContext, id: string): Promise<JobView> {
  const printer = progressPrinter(out);
  onInterrupt?.(() => {
    printer.end();
    return `  ${id} goes on; follow it with: distill watch ${id}`;
  });
  let last: JobView | undefined;
  try {
    for await (const view of client.watch(id, { interval: out.isTTY ? 300 : 1000 })) {
      last = view;
      printer.show(view);
    }
  } finally {
    printer.end();
    onInterrupt?.(() => '');
  }
  if (last === undefined) throw new Error(`the API gave no state of ${id}`);
  if (last.state !== 'succeeded') {
    const { reason } = last;
    throw new Error(`${id} ${last.state}${reason === null ? '' : ` (${reason.code}): ${reason.message}`}`);
  }
  return last;
}
