import { type WebhookEvent, type WebhookView, webhookEvents } from '@distillery/spec';
import { wholeNumber } from '@distillery/spec/configuration';
import { newCommand, option } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failure.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { attemptText, deliveriesTable, webhooksTable } from '../webhooks-table.ts';

interface AddOptions {
  event: string[];
  named?: boolean;
  description?: string;
  json?: boolean;
}

const id = ['<webhook>', 'the id of the webhook, as "distill webhooks" shows it'] as const;

export const webhooks = () =>
  newCommand('webhooks')
    .summary('send what happens to jobs to another service')
    .description(
      'Manages the webhooks of your key: URLs that are told, in signed requests, what happens to your jobs.',
    )
    .addCommand(list(), { isDefault: true })
    .addCommand(add())
    .addCommand(test())
    .addCommand(deliveries())
    .addCommand(redeliver())
    .addCommand(switched('enable', true, 'send events again, after a webhook was disabled'))
    .addCommand(switched('disable', false, 'send no more events, and give up those that wait'))
    .addCommand(secret())
    .addCommand(remove());

const list = () =>
  clientCommand('list')
    .summary('list the webhooks (default)')
    .description('Lists the webhooks without their secrets.')
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { json }: { json?: boolean }) => {
        const found = await client.webhooks.list();
        if (json) return print(JSON.stringify(found, undefined, 2));
        print(
          found.length > 0 ? webhooksTable(found) : '  No webhook yet; to add one: distill webhooks add URL',
        );
      }),
    );

const add = () =>
  clientCommand('add')
    .summary('add a webhook')
    .description('Adds a webhook and prints its secret, which signs the requests and is not shown again.')
    .argument('<url>', 'where events are sent')
    .option(
      '--event <type>',
      'a type of events, may be repeated: job, job.failed, stage, report, … (default: job, report, warning, skipped)',
      (text: string, before: string[]) => [...before, text],
      [],
    )
    .option('--named', 'events of those jobs alone whose specs name the webhook')
    .option('--description <text>', 'a note')
    .option('--json', 'print it as JSON')
    .action(
      clientAction(
        async ({ client, print }, url: string, { event, named, description, json }: AddOptions) => {
          const created = await client.webhooks.create({
            url,
            ...(event.length > 0 && { events: event.map(typeOf) }),
            ...(named && { jobs: 'named' as const }),
            ...(description !== undefined && { description }),
          });
          if (json) return print(JSON.stringify(created, undefined, 2));
          print(
            [
              `  ${created.id}`,
              `  ${created.secret}`,
              '',
              '  The secret is shown this once. The receiver checks signatures with it: docs/webhooks.md',
              ...(named ? [`  Name it in job specs: "webhooks": ["${created.id}"]`] : []),
              `  To try it: distill webhooks test ${created.id}`,
            ].join('\n'),
          );
        },
      ),
    );

const test = () =>
  clientCommand('test')
    .summary('send a test')
    .description('Sends an event of type "test" now, and prints how it went.')
    .argument(...id)
    .action(
      clientAction(async ({ client, print }, webhook: string) => {
        const { state, attempts } = await client.webhooks.test(webhook);
        print(`  ${state}: ${attempts.map(attemptText).join('')}`);
        if (state !== 'delivered') process.exitCode = exitCodes.failure.code;
      }),
    );

const deliveries = () =>
  clientCommand('deliveries')
    .summary('show what was sent, and what waits')
    .description('Lists the deliveries of a webhook, newest first, with their last attempts.')
    .argument(...id)
    .option('--failed', 'those that were given up')
    .addOption(option('--limit <n>', 'the most deliveries', wholeNumber(1)).default(20))
    .option('--json', 'print them as JSON')
    .action(
      clientAction(
        async (
          { client, print },
          webhook: string,
          { failed, limit, json }: { failed?: boolean; limit: number; json?: boolean },
        ) => {
          const query = { limit: Math.min(limit, 100), ...(failed && { state: 'failed' as const }) };
          const found = await client.webhooks.deliveries(webhook, query).toArray(limit);
          if (json) return print(JSON.stringify(found, undefined, 2));
          print(found.length > 0 ? deliveriesTable(found) : '  Nothing was sent yet.');
        },
      ),
    );

const redeliver = () =>
  clientCommand('redeliver')
    .summary('send an event again')
    .description('Sends an event again, as often as it takes.')
    .argument(...id)
    .argument('<delivery>', 'the id of the delivery, as "distill webhooks deliveries" shows it')
    .action(
      clientAction(async ({ client, print }, webhook: string, delivery: string) => {
        const { type } = await client.webhooks.redeliver(webhook, delivery);
        print(`  ${delivery} (${type}) is sent again; see: distill webhooks deliveries ${webhook}`);
      }),
    );

const switched = (name: string, enabled: boolean, summary: string) =>
  clientCommand(name)
    .summary(summary)
    .description(`${summary[0].toUpperCase()}${summary.slice(1)}.`)
    .argument(...id)
    .action(
      clientAction(async ({ client, print }, webhook: string) => {
        print(`  ${stateOf(await client.webhooks.update(webhook, { enabled }))}`);
      }),
    );

const secret = () =>
  clientCommand('secret')
    .summary('replace the secret')
    .description('Replaces the secret and prints the new one. For a day requests are signed with both.')
    .argument(...id)
    .action(
      clientAction(async ({ client, print }, webhook: string) => {
        const { secret: fresh, previousUntil } = await client.webhooks.rotateSecret(webhook);
        print(
          `  ${fresh}\n\n  It is shown this once. Requests are signed with the old one, too, until ${previousUntil}.`,
        );
      }),
    );

const remove = () =>
  clientCommand('remove')
    .summary('remove a webhook')
    .description('Removes a webhook with its deliveries.')
    .argument(...id)
    .action(
      clientAction(async ({ client, print }, webhook: string) => {
        await client.webhooks.delete(webhook);
        print(`  ${webhook} is removed`);
      }),
    );

const stateOf = ({ id: webhook, enabled }: WebhookView) =>
  `${webhook} is ${enabled ? 'enabled' : 'disabled'}`;

function typeOf(text: string): WebhookEvent {
  const found = webhookEvents.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--event is ${JSON.stringify(text)}, it must be one of ${webhookEvents.join(', ')}`);
}
