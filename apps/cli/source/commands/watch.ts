import type { Client } from '@distillery/client';
import type { JobView } from '@distillery/spec';
import { progressPrinter } from '../progress.ts';

/** Follows a job to its end; throws when it does not succeed. */
export async function watch(client: Client, id: string, out: NodeJS.WriteStream): Promise<JobView> {
  const printer = progressPrinter(out);
  let last: JobView | undefined;
  try {
    for await (const view of client.watch(id, { interval: out.isTTY ? 300 : 1000 })) {
      last = view;
      printer.show(view);
    }
  } finally {
    printer.end();
  }
  if (last === undefined) throw new Error(`nothing is known of ${id}`);
  if (last.state !== 'succeeded') {
    const { reason } = last;
    throw new Error(`${id} ${last.state}${reason === null ? '' : ` (${reason.code}): ${reason.message}`}`);
  }
  return last;
}
