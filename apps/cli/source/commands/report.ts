import { writeFile } from 'node:fs/promises';
import { comparisonPage } from '../comparison-page.ts';
import { UsageError } from '../failure.ts';
import { reportPage } from '../report-page.ts';
import { reportTable } from '../report-table.ts';
import { clientAction, clientCommand } from '../run-command.ts';

interface ReportOptions {
  json?: boolean;
  markdown?: boolean;
  html?: string;
}

export const report = () =>
  clientCommand('report')
    .summary('compare the students of a job')
    .description('Prints the report of a job: every student beside its control.')
    .argument('<job>', 'the id of the job')
    .option('--json', 'print the report as JSON')
    .option('--markdown', 'print a page of Markdown with all details')
    .option('--html <file>', 'write one HTML file that needs no other file')
    .action(
      clientAction(async ({ client, print }, id: string, { json, markdown, html }: ReportOptions) => {
        if ([json, markdown, html].filter(Boolean).length > 1)
          throw new UsageError('only one of --json, --markdown and --html can be given');
        const found = await client.jobs.report(id);
        if (json) return print(JSON.stringify(found, undefined, 2));
        if (markdown) return print(comparisonPage([{ job: await client.jobs.get(id), report: found }]));
        if (html === undefined) return print(reportTable(found));
        await writeFile(html, reportPage(found)).catch((error: Error) => {
          throw new UsageError(`cannot write ${html}: ${error.message}`, { cause: error });
        });
        print(`  ${html}`);
      }),
    );
