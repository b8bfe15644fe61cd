import { clientAction, clientCommand } from '../run-command.ts';
import { watchJob } from '../watch-job.ts';

export const watch = () =>
  clientCommand('watch')
    .summary('follow a job to its end')
    .description(
      'Shows the progress of a job until it ends. The job goes on when this command is interrupted.',
    )
    .argument('<job>', 'the id of the job')
    .action(
      clientAction(async (context, id: string) => {
        await watchJob(context, id);
      }),
    );
