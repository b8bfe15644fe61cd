import type { JobPage, JobFilter } from '@distillery/client';
import { type JobState, type JobSummary, jobStates } from '@distillery/spec';
import { oneOf, wholeNumber } from '@distillery/spec/configuration';
import { option } from '../command.ts';
import { UsageError } from '../failure.ts';
import { ago } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { stateWord } from '../state-words.ts';
import { table } from '../table.ts';

interface JobsOptions {
  state?: JobState;
  label?: string[];
  owner?: string;
  name?: string;
  limit: number;
  json?: boolean;
}

export const jobs = () =>
  clientCommand('jobs')
    .summary('list the jobs')
    .description('Lists the jobs, newest first.')
    .addOption(option('--state <state>', `jobs in this state: ${jobStates.join(', ')}`, oneOf(jobStates)))
    .option('--label <key=value...>', 'jobs with these labels')
    .option('--owner <name>', 'jobs of this owner')
    .option('--name <text>', 'jobs whose name contains this text')
    .addOption(option('--limit <n>', 'the most jobs', wholeNumber(1)).default(20))
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { label = [], limit, json, ...filter }: JobsOptions) => {
        const query: JobFilter = { ...filter, labels: labelsOf(label), limit: Math.min(limit, 100) };
        const found: JobPage['jobs'] = [];
        let more = false;
        for await (const job of client.jobs.list(query)) {
          more = found.length >= limit;
          if (more) break;
          found.push(job);
        }
        if (json) return print(JSON.stringify(found, undefined, 2));
        if (found.length > 0) print(jobsTable(found));
        const filtered = label.length > 0 || Object.keys(filter).length > 0;
        if (found.length === 0)
          print(filtered ? '  No job matches.' : '  No job yet; to write a spec, run: distill init');
        if (more) print(`\n  There are more; to see them, add: --limit ${limit * 5}`);
      }),
    );

function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`--label is ${JSON.stringify(pair)}, it must be key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Jobs, one a row; the id stays in one piece, so that it can be copied. */
function jobsTable(jobs: readonly JobSummary[], now = Date.now()): string {
  return table(
    [
      { title: 'job', whole: true },
      { title: 'name' },
      { title: 'state', whole: true },
      { title: 'done', align: 'right' },
      { title: 'submitted', align: 'right' },
    ],
    jobs.map(({ id, name, state, progress, createdAt }) => [
      id,
      name ?? '–',
      stateWord(state),
      `${Math.round(progress)} %`,
      ago(createdAt, now),
    ]),
  );
}
