import type { Client } from '@distillery/client';
import { oneOf } from '@distillery/spec/configuration';
import { option } from '../command.ts';
import { type Compared, comparisonPage } from '../comparison-page.ts';
import { UsageError } from '../failure.ts';
import { reportTable } from '../report-table.ts';
import { clientAction, clientCommand } from '../run-command.ts';

interface ReportOptions {
  json?: boolean;
  format: 'table' | 'json' | 'markdown';
}

export const report = () =>
  clientCommand('report')
    .summary('compare the students of a job')
    .description(
      'Prints the report of a job. With --format markdown it compares several jobs over the same data.',
    )
    .argument('<job...>', 'the ids of the jobs; more than one with --format markdown alone')
    .option('--json', 'the same as --format json')
    .addOption(
      option('--format <format>', 'table, json or markdown', oneOf(['table', 'json', 'markdown'])).default(
        'table',
      ),
    )
    .action(
      clientAction(async ({ client, print }, jobs: string[], { json, format: named }: ReportOptions) => {
        const format = json ? 'json' : named;
        if (format === 'markdown') {
          return print(comparisonPage(await Promise.all(jobs.map((job) => compared(client, job)))));
        }
        if (jobs.length > 1) throw new UsageError('several jobs are compared with --format markdown alone');
        const found = await client.jobs.report(jobs[0]);
        print(format === 'json' ? JSON.stringify(found, undefined, 2) : reportTable(found));
      }),
    );

/** A job with its report, where it has one. */
async function compared(client: Client, id: string): Promise<Compared> {
  const job = await client.jobs.get(id);
  return { job, report: job.state === 'succeeded' ? await client.jobs.report(id) : null };
}
