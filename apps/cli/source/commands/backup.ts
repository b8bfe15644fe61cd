import type { Hold } from '@distillery/spec';
import { wholeNumber } from '@distillery/spec/configuration';
import { newCommand, option } from '../command.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const backup = () =>
  newCommand('backup')
    .summary('hold the store while a backup is made')
    .description(
      'Between "backup begin" and "backup end" the service removes nothing from its store, so that a copy of the store which is ' +
        'made after a copy of Redis has everything that Redis names. docs/operations.md has the steps. They need a key of scope admin.',
    )
    .addCommand(begin())
    .addCommand(end())
    .addCommand(show(), { isDefault: true });

function begin() {
  return clientCommand('begin')
    .summary('remove nothing from the store from now on')
    .description('Begins or extends the hold. It ends by itself after some hours.')
    .addOption(option('--hours <n>', 'the longest that the backup can take', wholeNumber(1, 168)).default(6))
    .action(
      clientAction(async ({ client, print }, { hours }: { hours: number }) => {
        print(holdText(await client.store.hold({ hours })));
        print('  Copy Redis now, then the manifests of the store, then its blobs; then: distill backup end');
      }),
    );
}

function end() {
  return clientCommand('end')
    .summary('remove unused files again')
    .description('Ends the hold.')
    .action(
      clientAction(async ({ client, print }) => {
        await client.store.release();
        print(holdText(await client.store.held()));
      }),
    );
}

function show() {
  return clientCommand('show')
    .summary('show whether the store is held (default)')
    .description('Shows until when nothing is removed from the store.')
    .action(clientAction(async ({ client, print }) => print(holdText(await client.store.held()))));
}

/** What is known of the hold, as a line. */
function holdText({ until }: Hold): string {
  return until === null
    ? '  The store is not held: unused files are removed as usual.'
    : `  Nothing is removed from the store until ${until}.`;
}
