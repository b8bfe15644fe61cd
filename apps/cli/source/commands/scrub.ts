import { setTimeout as delay } from 'node:timers/promises';
import type { ScrubReport } from '@distillery/spec';
import { bytes, integer } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { table } from '../table.ts';

const pollMs = 500;

export const scrub = () =>
  clientCommand('scrub')
    .summary('compare every file of the store with its digest')
    .description(
      'Reads the whole store and lists damaged and missing files with the jobs that need them. "distill retry JOB" makes ' +
        'them again. It needs a key of scope admin. The exit code is 1 when something is damaged or missing.',
    )
    .option('--remove', 'remove damaged files, so that the next job that needs one computes it again', false)
    .action(
      clientAction(async ({ client, out, print, onInterrupt }, { remove }: { remove: boolean }) => {
        onInterrupt(() => 'the scrub goes on in the service; to see its report, run: distill scrub');
        let report = await client.store.scrub({ remove });
        while (report.state === 'running') {
          if (out.isTTY) out.write(`\r  ${progressOf(report)}`);
          await delay(pollMs);
          report = await client.store.scrubReport();
        }
        if (out.isTTY) out.write('\r\u001B[K');
        print(scrubText(report));
        if (report.state !== 'done' || report.damaged + report.missing > 0) process.exitCode = 1;
      }),
    );

/** At most 40 characters. */
function progressOf({ bytes: read, totalBytes }: ScrubReport): string {
  return `${bytes(read)} of ${bytes(totalBytes)} read`;
}

/** The report for people. */
export function scrubText(report: ScrubReport): string {
  const { state, blobs, bytes: size, manifests, damaged, missing, removed, findings, error } = report;
  const read = `${integer(blobs)} files (${bytes(size)}) and ${integer(manifests)} manifests`;
  if (state !== 'done') {
    const why = error === null ? 'its service ended' : error;
    return `  The scrub is not complete, ${why}. ${read} were read.`;
  }
  if (damaged + missing === 0) return `  ${read} are intact.`;
  const found = `  ${integer(damaged)} damaged, ${integer(missing)} missing, of ${read}.`;
  const rows = findings.map(({ kind, name, fault, jobs, removed: gone }) => [
    gone ? `${fault}, removed` : fault,
    kind === 'blob' ? name.slice(0, 12) : name,
    jobs.length > 1 ? `${jobs[0]} and others` : (jobs[0] ?? '–'),
  ]);
  const list = table([{ title: 'fault' }, { title: 'file' }, { title: 'jobs' }], rows);
  const more = damaged + missing - findings.length;
  const remedies = [
    '  To make them again: distill retry JOB',
    ...(damaged > removed && !report.remove ? ['  To remove damaged files: distill scrub --remove'] : []),
  ];
  return [found, '', list, ...(more > 0 ? [`  and ${integer(more)} more`] : []), '', ...remedies].join('\n');
}
