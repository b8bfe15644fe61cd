import { clientAction, clientCommand } from '../run-command.ts';

export const deleteJob = () =>
  clientCommand('delete')
    .summary('delete a finished job')
    .description('Deletes a job that has ended, with the files that no other job uses.')
    .argument('<job>', 'the id of the job')
    .action(
      clientAction(async ({ client, print }, id: string) => {
        await client.jobs.delete(id);
        print(`  ${id} deleted`);
      }),
    );
