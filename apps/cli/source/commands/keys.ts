import { type Scope, scopes } from '@distillery/spec';
import { oneOf, readConfiguration, wholeNumber } from '@distillery/spec/configuration';
import type { Command } from 'commander';
import { newCommand, option } from '../command.ts';

interface NewKey {
  name: string;
  scope: Scope;
  jobs?: number;
  rate?: number;
}

export const keys = () =>
  newCommand('keys')
    .summary('create, list and revoke API keys')
    .description("Manages the API keys, which are kept in the service's Redis (REDIS_URL).")
    .addCommand(create())
    .addCommand(list(), { isDefault: true })
    .addCommand(revoke());

function create(): Command {
  return newCommand('create')
    .summary('create a key')
    .description('Creates a key and prints it once; only its hash is kept.')
    .requiredOption('--name <name>', 'the owner of the jobs that are submitted with it')
    .addOption(option('--scope <scope>', scopes.join(', '), oneOf(scopes)).default('submit'))
    .addOption(option('--jobs <n>', 'unfinished jobs at a time (default: API_JOBS)', wholeNumber(1)))
    .addOption(option('--rate <n>', 'requests per minute (default: API_RATE)', wholeNumber(1)))
    .action(async ({ name, scope, jobs, rate }: NewKey) => {
      const { createKey } = await import('../api-keys.ts');
      print(await createKey(redisUrl(), { name, scope, jobs: jobs ?? null, rate: rate ?? null }));
    });
}

function list(): Command {
  return newCommand('list')
    .summary('list the keys (default)')
    .description('Lists the keys with their limits, without their secrets.')
    .action(async () => print(await (await import('../api-keys.ts')).listKeys(redisUrl())));
}

function revoke(): Command {
  return newCommand('revoke')
    .summary('revoke a key')
    .description('Revokes a key; requests with it are refused from then on.')
    .argument('<id>', 'the id of the key, as "distill keys list" shows it')
    .action(async (id: string) => print(await (await import('../api-keys.ts')).revokeKey(redisUrl(), id)));
}

function redisUrl(): string {
  return readConfiguration('keys', process.env).redisUrl;
}

function print(words: string): void {
  process.stdout.write(`${words}\n`);
}
