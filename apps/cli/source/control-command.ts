import type { Command } from 'commander';
import { clientAction, clientCommand } from './run-command.ts';

/** A command that changes the state of one job and prints the state that it has then. */
export function controlCommand(
  name: 'cancel' | 'pause' | 'resume' | 'retry',
  { summary, description }: { summary: string; description: string },
): Command {
  return clientCommand(name)
    .summary(summary)
    .description(description)
    .argument('<job>', 'the id of the job')
    .action(
      clientAction(async (context, id: string) => {
        const job = await context.client.jobs[name](id);
        context.print(`  ${job.id} ${job.state}`);
      }),
    );
}
