import { setTimeout as delay } from 'node:timers/promises';
import type { ScrubReport } from '@distillery/spec';
import { integer } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { table } from '../table.ts';

const pollMs = 200;
const mostRemedies = 20;

export const verify = () =>
  clientCommand('verify')
    .summary('check that Redis and the store belong together')
    .description(
      'Looks whether everything that the records of jobs and the manifests name is in the store, and whether another service has ' +
        'used it. It reads no file: "distill scrub" does. It needs a key of scope admin. The exit code is 1 when something is ' +
        'missing or damaged, or when the store and Redis may not belong together.',
    )
    .action(
      clientAction(async ({ client, print }) => {
        let report = await client.store.scrub({ content: false });
        // A scrub that ran already is another one, and reads everything.
        while (report.state === 'running') {
          await delay(pollMs);
          report = await client.store.scrubReport();
        }
        print(verifyText(report));
        if (!isRight(report)) process.exitCode = 1;
      }),
    );

/** Whether Redis and the store belong together, and nothing is missing. */
function isRight({ state, damaged, missing, services }: ScrubReport): boolean {
  return state === 'done' && damaged + missing + services === 0;
}

/** The report for people. */
export function verifyText(report: ScrubReport): string {
  const { state, error, jobs, artifacts, damaged, missing, findings, services, newStore } = report;
  if (state !== 'done') return `  The check is not complete, ${error ?? 'its service ended'}.`;
  const lines = [
    `  ${integer(jobs)} jobs were read; they and the manifests name ${integer(artifacts)} files.`,
  ];
  if (services > 0) {
    lines.push(
      `  ${integer(services)} other ${services === 1 ? 'service has' : 'services have'} used the store, or Redis has lost its data.`,
      '  Nothing is collected. If no other service needs the store:',
      '  distill sweep --remove --force',
    );
  }
  if (newStore) lines.push('  The store is younger than the oldest job: is STORE the right one?');
  if (damaged + missing === 0) return [...lines, '  Nothing is missing.'].join('\n');
  lines.push(`  ${integer(missing)} are missing, ${integer(damaged)} manifests are damaged.`, '');
  const affected = new Map<string, number>();
  for (const id of findings.flatMap((finding) => finding.jobs)) affected.set(id, (affected.get(id) ?? 0) + 1);
  const rows = [...affected].map(([id, files]) => [id, integer(files)]);
  if (rows.length > 0) {
    lines.push(
      table(
        [
          { title: 'job', whole: true },
          { title: 'files that it misses', align: 'right' },
        ],
        rows,
      ),
      '',
    );
    lines.push(
      '  Jobs that have not ended make what they miss themselves; for others:',
      ...[...affected.keys()].slice(0, mostRemedies).map((id) => `  distill retry ${id}`),
      ...(affected.size > mostRemedies ? ['  and so on'] : []),
    );
  }
  const others = findings.filter((finding) => finding.jobs.length === 0).length;
  if (others > 0)
    lines.push(`  ${integer(others)} of them are named by manifests alone: distill scrub lists them.`);
  return lines.join('\n');
}
