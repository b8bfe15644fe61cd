import { styleText } from 'node:util';
import type { Client } from '@distillery/client';
import type { JobSpecInput } from '@distillery/spec';
import { type Compared, comparisonPage } from '../comparison-page.ts';
import { UsageError } from '../failure.ts';
import { jobsComparison } from '../jobs-comparison.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { specDifferences } from '../spec-differences.ts';
import { table } from '../table.ts';

interface CompareOptions {
  json?: boolean;
  markdown?: boolean;
}

export const compare = () =>
  clientCommand('compare')
    .summary('compare the results and specs of jobs')
    .description(
      'Prints the students of several jobs in one table, and the fields in which the specs differ.',
    )
    .argument('<job...>', 'the ids of two or more jobs')
    .option('--markdown', 'print a page of Markdown with all details; the jobs must have the same data')
    .option('--json', 'print the reports and the differences as JSON')
    .action(
      clientAction(async ({ client, print }, ids: string[], { json, markdown }: CompareOptions) => {
        if (ids.length < 2) {
          throw new UsageError('two or more jobs can be compared', {
            remedy: `to see the students of one job, run: distill report ${ids[0]}`,
          });
        }
        const [jobs, specs] = await Promise.all([
          Promise.all(ids.map((id) => compared(client, id))),
          Promise.all(ids.map((id) => client.jobs.spec(id))),
        ]);
        const differences = specDifferences(specs);
        if (json) return print(JSON.stringify({ jobs, differences }, undefined, 2));
        if (markdown) return print(comparisonPage(jobs));
        print(`${jobsComparison(jobs)}\n\n${differencesText(differences, jobs, specs)}`);
      }),
    );

/** A job with its report, where it has one. */
async function compared(client: Client, id: string): Promise<Compared> {
  const job = await client.jobs.get(id);
  return { job, report: job.state === 'succeeded' ? await client.jobs.report(id) : null };
}

function differencesText(
  differences: ReturnType<typeof specDifferences>,
  jobs: readonly Compared[],
  specs: readonly JobSpecInput[],
): string {
  if (differences.length === 0) return styleText('dim', `  The ${specs.length} specs are the same.`);
  const text = (value: unknown) => (value === undefined ? '–' : JSON.stringify(value));
  return table(
    [{ title: 'differs in the spec' }, ...jobs.map((_, i) => ({ title: `job ${i + 1}` }))],
    differences.map(({ path, values }) => [path, ...values.map(text)]),
  );
}
