import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import type { NetworkInput } from '@distillery/spec';
import { newCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { networksTable } from '../networks-table.ts';
import { readObject } from '../read-spec.ts';
import { clientAction, clientCommand } from '../run-command.ts';

export const networks = () =>
  newCommand('networks')
    .summary('bring networks as teachers')
    .description('Manages networks that were trained elsewhere: they can be teachers of jobs.')
    .addCommand(list(), { isDefault: true })
    .addCommand(add())
    .addCommand(remove());

const list = () =>
  clientCommand('list')
    .summary('list the networks (default)')
    .description('Lists the networks that were brought, the newest first.')
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { json }: { json?: boolean }) => {
        const found = await client.networks.list();
        if (json) return print(JSON.stringify(found, undefined, 2));
        print(
          found.length > 0
            ? networksTable(found)
            : '  No network yet; to bring one: distill networks add network.yaml',
        );
      }),
    );

const add = () =>
  clientCommand('add')
    .summary('bring a network')
    .description(
      'Brings a network that a file of JSON or YAML describes: architecture, classes, input and normalization, as in POST /v1/networks. Its weights are uploaded from --file, or lie at its path, as the service sees it, in a folder that jobs may read.',
    )
    .argument('<file>', 'the description of the network')
    .option('--file <weights>', 'a file of weights on this machine, which is uploaded')
    .option('--json', 'print the network as JSON')
    .action(
      clientAction(async ({ client, print }, path: string, { json, file }: AddOptions) => {
        const described = await readObject<NetworkInput>(path, { what: 'the description of a network' });
        const network =
          file === undefined
            ? await client.networks.keep(described)
            : await client.networks.add(await blobOf(file), described, { name: basename(file) });
        if (json) return print(JSON.stringify(network, undefined, 2));
        print(`  ${network.id} is kept: ${network.parameters.toLocaleString('en')} parameters`);
        print('  To make it the teacher of a job, put this into its spec:');
        print(`    "teacher": {"type": "stored", "weights": "${network.weights.digest}"}`);
      }),
    );

interface AddOptions {
  file?: string;
  json?: boolean;
}

async function blobOf(path: string): Promise<Blob> {
  return await openAsBlob(path).catch((error: Error) => {
    throw new UsageError(`cannot read ${path}: ${error.message}`, { cause: error });
  });
}

const remove = () =>
  clientCommand('remove')
    .summary('remove a network')
    .description('Removes a network. Jobs that name its weights keep them.')
    .argument('<network>', 'the id of the network, as "distill networks" shows it')
    .action(
      clientAction(async ({ client, print }, id: string) => {
        await client.networks.remove(id);
        print(`  ${id} is removed`);
      }),
    );
