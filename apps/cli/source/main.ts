#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { parseArgs, styleText } from 'node:util';
import { ApiError, type Client, createClient } from '@distillery/client';
import { type JobSpecInput, scopes, wholeNumber } from '@distillery/spec';
import { readConfiguration } from '@distillery/spec/configuration';
import { auditTable } from './commands/audit.ts';
import { download } from './commands/download.ts';
import { sweepLines } from './commands/sweep.ts';
import { watch } from './commands/watch.ts';
import { type Compared, comparisonPage } from './comparison-page.ts';
import { reportTable } from './report-table.ts';

const usage = `distill: knowledge distillation as a service

  distill demo [--data PATH] [--epochs N]    the whole road on this machine, in minutes
  distill up [--port N] [--workers N]        Redis (or REDIS_URL), API and workers until Ctrl-C
             [--trainers N]                  each worker doing N stages at once
  distill validate SPEC.json                 what a job would do, without doing it
  distill run SPEC.json [--no-watch]         submits a job and follows it
  distill watch JOB                          follows a job
  distill cancel JOB                         ends it; retry goes on from its last checkpoints
  distill pause JOB                          lets it stand still; resume goes on
  distill resume JOB
  distill retry JOB
  distill delete JOB                         forgets one that has ended, and its files
  distill report JOB [--json]                compares its students
                 JOB… --format markdown      as a page, for one job or several over the same data
  distill download JOB [--out FOLDER]        its weights and its report
  distill keys create --name N --scope S     an API key: read, submit or admin (in REDIS_URL)
             [--jobs N] [--rate N]           jobs on their way at once, requests a minute
  distill keys list
  distill keys revoke ID
  distill audit                              who has changed what, and who was refused
  distill sweep [--remove] [--hours N]       files older than that (24) that no job needs

  DISTILLERY_TOKEN the API key to send, where one is needed
  --url URL        where the API listens       (DISTILLERY_URL, else http://127.0.0.1:8080)
  --folder PATH    what demo and up keep        (default: runs)
  --root PATH      up: a folder that job specs may read; may be repeated
`;

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
}

try {
  await main();
} catch (error) {
  if (stopping.signal.aborted) process.exitCode = 130;
  else {
    process.stderr.write(
      `${styleText('red', 'error')} ${error instanceof Error ? error.message : String(error)}\n`,
    );
    if (error instanceof ApiError) {
      for (const { path, message, allowed } of error.errors) {
        const hint = allowed === undefined ? '' : ` (allowed: ${JSON.stringify(allowed)})`;
        process.stderr.write(`  ${path} ${message}${hint}\n`);
      }
    }
    process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      epochs: { type: 'string', default: '5' },
      url: { type: 'string', default: process.env.DISTILLERY_URL ?? 'http://127.0.0.1:8080' },
      port: { type: 'string' },
      name: { type: 'string' },
      scope: { type: 'string', default: 'submit' },
      jobs: { type: 'string' },
      rate: { type: 'string' },
      remove: { type: 'boolean', default: false },
      hours: { type: 'string', default: '24' },
      workers: { type: 'string' },
      trainers: { type: 'string' },
      folder: { type: 'string' },
      root: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      json: { type: 'boolean', default: false },
      format: { type: 'string', default: 'table' },
      'no-watch': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...jobs] = positionals;
  const [argument] = jobs;
  const client = createClient(values.url, { token: process.env.DISTILLERY_TOKEN || undefined });
  const out = process.stdout;
  const print = (text: string) => out.write(`${text}\n`);
  if (values.help || command === undefined) return void print(usage);

  switch (command) {
    // These two bring the whole service along; the others are a client and start at once.
    case 'demo':
      return (await import('./commands/demo.ts')).demo({
        data: values.data,
        epochs: whole('--epochs', values.epochs),
        configuration: readConfiguration('demo', process.env, { '--folder': values.folder }),
        out,
        signal: stopping.signal,
      });
    case 'up':
      return (await import('./commands/up.ts')).up(
        readConfiguration('up', process.env, {
          '--port': values.port,
          '--workers': values.workers,
          '--trainers': values.trainers,
          '--folder': values.folder,
          '--root': values.root,
        }),
        { out, signal: stopping.signal },
      );
    case 'validate':
      return void print(JSON.stringify(await client.validate(await specFrom(argument)), undefined, 2));
    case 'run': {
      const job = await client.submit(await specFrom(argument));
      print(`  ${job.id}`);
      if (values['no-watch']) return;
      await watch(client, job.id, out);
      return void print(`\n${reportTable(await client.report(job.id))}`);
    }
    case 'watch':
      return void (await watch(client, required(argument, 'JOB'), out));
    case 'cancel':
    case 'pause':
    case 'resume':
    case 'retry': {
      const job = await client[command](required(argument, 'JOB'));
      return void print(`  ${job.id} ${job.state}`);
    }
    case 'delete': {
      const id = required(argument, 'JOB');
      await client.remove(id);
      return void print(`  ${id} deleted`);
    }
    case 'report': {
      const id = required(argument, 'JOB');
      const format = oneOf('--format', values.json ? 'json' : values.format, ['table', 'json', 'markdown']);
      if (format === 'markdown') {
        return void print(comparisonPage(await Promise.all(jobs.map((job) => compared(client, job)))));
      }
      const report = await client.report(id);
      return void print(format === 'json' ? JSON.stringify(report, undefined, 2) : reportTable(report));
    }
    case 'download': {
      const id = required(argument, 'JOB');
      const files = await download(client, id, values.out ?? id, await client.report(id));
      return void print(files.join('\n'));
    }
    case 'keys': {
      const [order, id] = jobs;
      const { createKey, listKeys, revokeKey } = await import('./commands/keys.ts');
      const limit = (name: 'jobs' | 'rate') =>
        values[name] === undefined ? null : whole(`--${name}`, values[name]);
      switch (oneOf('keys', order ?? 'list', ['create', 'list', 'revoke'])) {
        case 'create':
          return void print(
            await createKey({
              name: required(values.name, '--name'),
              scope: oneOf('--scope', values.scope, scopes),
              jobs: limit('jobs'),
              rate: limit('rate'),
            }),
          );
        case 'revoke':
          return void print(await revokeKey(required(id, 'ID')));
        default:
          return void print(await listKeys());
      }
    }
    case 'audit':
      return void print(auditTable((await client.audit()).entries));
    case 'sweep': {
      const olderThanSeconds = String(3600 * whole('--hours', values.hours));
      const query = { remove: String(values.remove), olderThanSeconds };
      return void print(sweepLines(await client.sweep(query)));
    }
    default:
      throw new Error(`there is no command ${command}\n\n${usage}`);
  }
}

function required(argument: string | undefined, name: string): string {
  if (argument === undefined) throw new Error(`${name} is missing\n\n${usage}`);
  return argument;
}

function oneOf<Word extends string>(name: string, text: string, allowed: readonly Word[]): Word {
  const word = allowed.find((one) => one === text);
  if (word === undefined) throw new Error(`${name} ${text}: must be one of: ${allowed.join(', ')}`);
  return word;
}

/** A job with its report, where it has one. */
async function compared(client: Client, id: string): Promise<Compared> {
  const job = await client.job(id);
  return { job, report: job.state === 'succeeded' ? await client.report(id) : null };
}

function whole(name: string, text: string, least = 1): number {
  const value = wholeNumber(name, text, { least });
  if (value === undefined) throw new RangeError(`${name} is empty, it must be a whole number`);
  return value;
}

async function specFrom(path: string | undefined): Promise<JobSpecInput> {
  const text = await readFile(required(path, 'SPEC.json'), 'utf8');
  return JSON.parse(text) as JobSpecInput;
}
