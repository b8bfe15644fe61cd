import type { Project, ProjectQuotaChange, ProjectView } from '@distillery/spec';
import { byteSize, type ValueType, wholeNumber } from '@distillery/spec/configuration';
import type { Command } from 'commander';
import { newCommand, option } from '../command.ts';
import { bytes, integer } from '../format.ts';
import { clientAction, clientCommand } from '../run-command.ts';
import { table } from '../table.ts';

export const projects = () =>
  newCommand('projects')
    .summary('groups of keys that see only what is theirs, with quotas')
    .description(
      'Creates projects, shows what they use and changes their quotas. Changes need a key of scope admin.',
    )
    .addCommand(create())
    .addCommand(list(), { isDefault: true })
    .addCommand(show())
    .addCommand(quota());

function withQuotas(command: Command): Command {
  const limit = <T>(flag: string, what: string, type: ValueType<T>) =>
    command.addOption(option(flag, what, type));
  limit('--jobs <n>', 'the most unfinished jobs', wholeNumber(0));
  limit('--bytes <size>', 'the most bytes in the store, such as 500 GB', byteSize());
  limit('--hours <n>', 'the most hours of trainers in a month', wholeNumber(0));
  return command;
}

function create() {
  return withQuotas(clientCommand('create'))
    .summary('create a project')
    .description('Creates a project. "distill keys create --project NAME" makes keys for it.')
    .argument('<name>', 'its name')
    .action(
      clientAction(async ({ client, print }, name: string, limits: ProjectQuotaChange) => {
        print(projectsTable([await client.projects.create({ name, quota: quotaOf(limits) })]));
      }),
    );
}

function list() {
  return clientCommand('list')
    .summary('list the projects (default)')
    .description('Lists the projects with their quotas.')
    .action(clientAction(async ({ client, print }) => print(projectsTable(await client.projects.list()))));
}

function show() {
  return clientCommand('show')
    .summary('show what a project uses')
    .description('Shows the quotas of a project and what it uses.')
    .argument('<name>', 'the name of the project')
    .action(
      clientAction(async ({ client, print }, name: string) =>
        print(useTable(await client.projects.get(name))),
      ),
    );
}

function quota() {
  return withQuotas(clientCommand('quota'))
    .summary('change the quotas of a project')
    .description('Changes the quotas that are given, and leaves the others.')
    .argument('<name>', 'the name of the project')
    .option('--no-limits', 'take the limits away that are not given')
    .action(
      clientAction(
        async ({ client, print }, name: string, given: ProjectQuotaChange & { limits: boolean }) => {
          const none = given.limits ? {} : { jobs: null, bytes: null, hours: null };
          print(projectsTable([await client.projects.setQuota(name, { ...none, ...quotaOf(given) })]));
        },
      ),
    );
}

/** The limits among the options of a command. */
function quotaOf({ jobs, bytes: size, hours }: ProjectQuotaChange): ProjectQuotaChange {
  return {
    ...(jobs === undefined ? {} : { jobs }),
    ...(size === undefined ? {} : { bytes: size }),
    ...(hours === undefined ? {} : { hours }),
  };
}

const limitOf = (value: number | null, format: (value: number) => string) =>
  value === null ? '–' : format(value);

/** Projects with their quotas, one a row. */
function projectsTable(all: readonly Project[]): string {
  if (all.length === 0) return '  There is no project: distill projects create NAME';
  return table(
    [
      { title: 'project', whole: true },
      { title: 'jobs', align: 'right' },
      { title: 'bytes', align: 'right' },
      { title: 'hours a month', align: 'right' },
      { title: 'created' },
    ],
    all.map(({ name, quota: { jobs, bytes: size, hours }, createdAt }) => [
      name,
      limitOf(jobs, integer),
      limitOf(size, bytes),
      limitOf(hours, String),
      createdAt.slice(0, 10),
    ]),
  );
}

/** What a project uses of each quota. */
function useTable({ used, quota: limits }: ProjectView): string {
  return table(
    [{ title: 'quota' }, { title: 'used', align: 'right' }, { title: 'limit', align: 'right' }],
    [
      ['unfinished jobs', integer(used.jobs), limitOf(limits.jobs, integer)],
      ['bytes in the store', bytes(used.bytes), limitOf(limits.bytes, bytes)],
      ['hours of trainers this month', used.hours.toFixed(2), limitOf(limits.hours, String)],
    ],
  );
}
