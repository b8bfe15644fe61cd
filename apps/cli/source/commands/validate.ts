import { readSpec } from '../read-spec.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const validate = () =>
  clientCommand('validate')
    .summary('show what a job would do')
    .description(
      'Checks a job spec and prints its stages, networks and estimates as JSON, without running it.',
    )
    .argument('<spec.json>', 'the file of the job spec')
    .action(
      clientAction(async ({ client, print }, path: string) => {
        print(JSON.stringify(await client.jobs.validate(await readSpec(path)), undefined, 2));
      }),
    );
