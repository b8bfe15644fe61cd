import { markdownTable } from '@distillery/cli/markdown';
import { type Program, type Setting, settings } from '@distillery/spec/configuration';
import { code } from './markdown.ts';

const sections: Record<Setting['group'], { title: string; intro: string }> = {
  service: { title: 'Service', intro: 'API and workers share these.' },
  api: { title: 'API', intro: 'The HTTP server.' },
  worker: { title: 'Workers', intro: 'The workers and the trainers that they start.' },
  client: { title: 'Commands', intro: 'The commands of `distill` that send requests to an API.' },
  setup: { title: 'Set-up', intro: '`npm run setup`, which prepares a machine.' },
};

const programNames: Record<Program, string> = {
  api: 'API',
  worker: 'worker',
  trainer: 'trainer',
  up: '`distill up`',
  demo: '`distill demo`',
  cli: 'commands',
  keys: '`distill keys`',
  setup: 'set-up',
};

/** Renders docs/configuration.md from the schema of the settings. */
export function configurationPage(): string {
  const all: Setting[] = Object.values(settings);
  return [
    '# Configuration',
    '',
    'Every setting of Distillery, written by `npm run catalogue` from `packages/spec/source/configuration`.',
    '',
    '- A flag takes precedence over its environment variable, the variable over the default. An empty variable counts as',
    '  not set.',
    '- API and worker take the flags behind their file (`node apps/api/source/main.ts --port 80`), `distill` behind the',
    '  command (`distill up --port 80`).',
    '- A value that cannot be used, a missing setting or an unknown flag ends the start with one line on stderr and exit',
    '  code 2. A variable that looks like a misspelt setting is reported on stderr.',
    '- Secrets have no flag, as other users can read the command lines of a machine, and never appear in logs.',
    '',
    ...Object.entries(sections).flatMap(([group, { title, intro }]) => [
      `## ${title}`,
      '',
      intro,
      '',
      tableOf(all.filter((setting) => setting.group === group)),
      '',
    ]),
    ...redisUrlForms,
    ...othersVariables,
  ].join('\n');
}

function tableOf(list: readonly Setting[]): string {
  return markdownTable(
    ['variable', 'flag', 'default', 'allowed', 'read by', 'meaning'],
    list.flatMap((setting) => {
      const { variable, flag, type, programs, description, alias } = setting;
      const shared = [type.allowed, programs.map((program) => programNames[program]).join(', ')];
      const row = [code(variable), flag === undefined ? '–' : code(flag), defaultOf(setting), ...shared];
      const rows = [[...row, description]];
      if (alias !== undefined) {
        rows.push([code(alias.variable), code(alias.flag), '–', 'a path', shared[1], alias.description]);
      }
      return rows;
    }),
  );
}

function defaultOf({ default: usual, defaultWords, required }: Setting): string {
  const words = usual === undefined ? (defaultWords ?? '–') : usual === '' ? 'none' : code(usual);
  if (required === undefined) return words;
  return `required; ${words}`;
}

const redisUrlForms = [
  '## REDIS_URL',
  '',
  'The URL has one of these forms, each with `rediss` instead of `redis` for TLS. A character of a password that has a',
  'meaning in URLs is percent-encoded: `%40` for `@`.',
  '',
  '```text',
  'redis://user:password@host:6379/0',
  'redis+sentinel://user:password@host:26379,host:26379/master-name/0',
  'redis+cluster://user:password@host:7000,host:7001',
  '```',
  '',
  'With TLS, `?ca=FILE` names a PEM file of certificate authorities to trust instead of those of the system, and',
  "`&cert=FILE&key=FILE` a client's certificate. Sentinels that have a log-in of their own take",
  '`?sentinel_username=…&sentinel_password=…`.',
  '',
  'Redis must keep an append-only file and evict nothing; API and worker refuse any other, unless `REDIS_VOLATILE` is',
  '`allow`. With `appendfsync always` a job that was answered with 202 survives a power cut too. Replication is',
  'asynchronous: what a master received in its last moments can be missing after a failover, unless',
  '`min-replicas-to-write` and its like prevent that.',
  '',
];

const othersVariables = [
  '## Variables of the libraries',
  '',
  'A trainer inherits the environment of its worker, so variables of TensorFlow, CUDA and Vulkan reach it:',
  '`TF_NUM_INTRAOP_THREADS` (threads of a trainer, instead of a share of the processor), `TF_CPP_MIN_LOG_LEVEL`,',
  '`TF_FORCE_GPU_ALLOW_GROWTH`, `CUDA_VISIBLE_DEVICES`, `VK_DRIVER_FILES`. `distill` prints without colours when',
  '`NO_COLOR` is set.',
  '',
];
