import { writeFile } from 'node:fs/promises';
import type { Client } from '@distillery/client';
import type { JobSpecInput } from '@distillery/spec';
import { stringify } from 'yaml';
import { createAsker } from '../ask.ts';
import { askSpec, type Choices } from '../ask-spec.ts';
import { exampleNames, readExample } from '../examples.ts';
import { UsageError } from '../failure.ts';
import { clientAction, clientCommand } from '../run-command.ts';

interface InitOptions {
  example?: string;
  from?: string;
  force?: boolean;
}

export const init = () =>
  clientCommand('init')
    .summary('write a job spec, by a few questions or from an example')
    .description(
      'Writes a job spec: from the answers to a few questions, from an example, or from an earlier job.',
    )
    .argument('[file]', 'the file to write, .yaml or .json', 'job.yaml')
    .option('--example <name>', `start from an example: ${exampleNames().join(', ')}`)
    .option('--from <job>', 'start from the spec of an earlier job')
    .option('--force', 'replace the file if it exists')
    .action(
      clientAction(async ({ client, print }, file: string, { example, from, force }: InitOptions) => {
        if (!/\.(ya?ml|json)$/i.test(file))
          throw new UsageError(`${file} must end in .yaml or .json, so that it is clear what is in it`);
        await writeSpec(file, await startingPoint(client, { example, from }), force === true);
        print(`  ${file} is written. To see what it would do: distill validate ${file}`);
        print(`  To run it: distill run ${file}`);
      }),
    );

async function startingPoint(
  client: Client,
  { example, from }: Omit<InitOptions, 'force'>,
): Promise<JobSpecInput> {
  if (example !== undefined) return readExample(example);
  if (from !== undefined) return client.jobs.spec(from);
  if (!process.stdin.isTTY) {
    throw new UsageError('there is no terminal to ask at', {
      remedy: 'name an example, such as: distill init --example first-steps',
    });
  }
  const ask = createAsker(process.stdin, process.stdout);
  try {
    return await askSpec(ask, await choices(client));
  } finally {
    ask.close();
  }
}

/** What the service offers; nothing when it does not run, because a spec can be written without it. */
async function choices(client: Client): Promise<Choices> {
  const options = { retries: 0, timeoutMs: 2000 };
  try {
    const [architectures, methods] = await Promise.all([
      client.architectures.list(options),
      client.methods.list(options),
    ]);
    return {
      architectures: architectures.map(({ type }) => type),
      methods: methods.map(({ type }) => type),
    };
  } catch {
    return { architectures: [], methods: [] };
  }
}

async function writeSpec(file: string, spec: JobSpecInput, force: boolean): Promise<void> {
  const text = file.toLowerCase().endsWith('.json')
    ? `${JSON.stringify(spec, undefined, 2)}\n`
    : stringify(spec);
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new UsageError(
      exists ? `${file} exists already` : `cannot write ${file}: ${(error as Error).message}`,
      {
        cause: error,
        ...(exists ? { remedy: 'name another file, or replace it with --force' } : {}),
      },
    );
  }
}
