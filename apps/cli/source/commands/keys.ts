import { type Scope, scopes } from '@distillery/spec';
import { duration, oneOf, readConfiguration, wholeNumber } from '@distillery/spec/configuration';
import type { Command } from 'commander';
import { newCommand, option, settingsFlags, withSettings } from '../command.ts';
import { UsageError } from '../failure.ts';
import { redisFolder } from '../redis-folder.ts';

interface NewKey {
  name: string;
  scope: Scope;
  jobs?: number;
  rate?: number;
  expires?: number;
  project?: string;
}

export const keys = () =>
  newCommand('keys')
    .summary('create, list and revoke API keys')
    .description(
      'Manages the API keys, which are kept in the service\'s Redis: that of REDIS_URL, or that of a running "distill up".',
    )
    .addCommand(create())
    .addCommand(list(), { isDefault: true })
    .addCommand(revoke());

function create(): Command {
  return withSettings(newCommand('create'), 'keys')
    .summary('create a key')
    .description('Creates a key and prints it once; only its hash is kept.')
    .requiredOption('--name <name>', 'the owner of the jobs that are submitted with it')
    .option('--project <name>', 'its project, which exists: it sees what belongs to that alone')
    .addOption(option('--scope <scope>', scopes.join(', '), oneOf(scopes)).default('submit'))
    .addOption(option('--jobs <n>', 'unfinished jobs at a time (default: API_JOBS)', wholeNumber(1)))
    .addOption(option('--rate <n>', 'requests per minute (default: API_RATE)', wholeNumber(1)))
    .addOption(
      option(
        '--expires <time>',
        'how long it is valid, such as 90d or 12h (default: until it is revoked)',
        duration(),
      ),
    )
    .action(async ({ name, scope, jobs, rate, expires, project }: NewKey, command: Command) => {
      const { createKey } = await import('../api-keys.ts');
      const expiresAt = expires === undefined ? null : new Date(Date.now() + expires).toISOString();
      const limits = { jobs: jobs ?? null, rate: rate ?? null, expiresAt, project: project ?? null };
      print(await createKey(await redisUrl(command), { name, scope, ...limits }));
    });
}

function list(): Command {
  return withSettings(newCommand('list'), 'keys')
    .summary('list the keys (default)')
    .description('Lists the keys with their limits, without their secrets.')
    .action(async (_options: object, command: Command) => {
      const { listKeys } = await import('../api-keys.ts');
      print(await listKeys(await redisUrl(command)));
    });
}

function revoke(): Command {
  return withSettings(newCommand('revoke'), 'keys')
    .summary('revoke a key')
    .description('Revokes a key; requests with it are refused from then on.')
    .argument('<id>', 'the id of the key, as "distill keys list" shows it')
    .action(async (id: string, _options: object, command: Command) => {
      const { revokeKey } = await import('../api-keys.ts');
      print(await revokeKey(await redisUrl(command), id));
    });
}

/** Returns the URL of the Redis that is set, or of the one that `up` runs in the folder. */
async function redisUrl(command: Command): Promise<string> {
  const flags = settingsFlags(command, 'keys');
  const { redisUrl: set, folder } = readConfiguration('keys', process.env, flags);
  const { runningRedis } = await import('@distillery/queue');
  const url = set ?? (await runningRedis(redisFolder(folder)));
  if (url !== undefined) return url;
  throw new UsageError(
    `REDIS_URL is not set, and no "distill up" with a Redis of its own runs in ${folder}`,
    {
      remedy: 'set REDIS_URL, start "distill up", or name its folder with --folder',
    },
  );
}

function print(words: string): void {
  process.stdout.write(`${words}\n`);
}
