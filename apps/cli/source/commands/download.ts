import { downloadJob } from '../download-job.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const download = () =>
  clientCommand('download')
    .summary('download weights and report')
    .description('Downloads the weights of every teacher and student of a finished job, and its report.')
    .argument('<job>', 'the id of the job')
    .option('--out <folder>', 'the folder to write to (default: one named after the job)')
    .action(
      clientAction(async ({ client, print, onInterrupt }, id: string, { out = id }: { out?: string }) => {
        onInterrupt(() => `  ${out} is incomplete; start again with: distill download ${id}`);
        print((await downloadJob(client, id, out, await client.jobs.report(id))).join('\n'));
      }),
    );
