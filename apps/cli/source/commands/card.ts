import { clientAction, clientCommand } from '../run-command.ts';

export const card = () =>
  clientCommand('card')
    .summary('print the model card of a student')
    .description(
      'Prints the model card of a student: Markdown with the metadata that Hugging Face reads. Save it as README.md beside the weights.',
    )
    .argument('<job>', 'the id of the job')
    .argument('<student>', 'the name of the student')
    .option('--license <license>', 'the license of the weights, such as apache-2.0')
    .action(
      clientAction(async ({ client, print }, id: string, student: string, options: { license?: string }) =>
        print(await client.jobs.card(id, student, options)),
      ),
    );
