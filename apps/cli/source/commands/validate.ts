import { planText } from '../plan-text.ts';
import { readSpec } from '../read-spec.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const validate = () =>
  clientCommand('validate')
    .summary('show what a job would do')
    .description('Checks a job spec and shows its networks, stages and estimates, without running it.')
    .argument('<spec>', 'the file of the job spec, JSON or YAML')
    .option('--json', 'print the plan as JSON')
    .action(
      clientAction(async ({ client, print }, path: string, { json }: { json?: boolean }) => {
        const plan = await client.jobs.validate(await readSpec(path));
        print(json ? JSON.stringify(plan, undefined, 2) : planText(plan));
      }),
    );
