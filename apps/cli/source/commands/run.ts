import { readSpec } from '../read-spec.ts';
import { reportTable } from '../report-table.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { watchJob } from '../watch-job.ts';

export const run = () =>
  clientCommand('run')
    .summary('submit a job and follow it')
    .description('Submits a job, follows it to its end and prints its report.')
    .argument('<spec>', 'the file of the job spec, JSON or YAML')
    .option('--watch', 'follow it (default)')
    .option('--no-watch', 'print the id of the job and end')
    .action(
      clientAction(async (context, path: string, { watch = true }: { watch?: boolean }) => {
        const { client, print } = context;
        const { id, waitingFor } = await client.jobs.create(await readSpec(path));
        print(`  ${id}`);
        if (!watch) {
          if (waitingFor === 'worker') process.stderr.write('no worker is running: the job waits for one\n');
          return;
        }
        await watchJob(context, id);
        print(`\n${reportTable(await client.jobs.report(id))}`);
      }),
    );
