import type { NetworkInput } from '@distillery/spec';
import { newCommand } from '../command.ts';
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
      'Brings a network that a file of JSON or YAML describes: path, architecture, classes, input and normalization, as in POST /v1/networks. The path is as the service sees it, in a folder that jobs may read.',
    )
    .argument('<file>', 'the description of the network')
    .option('--json', 'print the network as JSON')
    .action(
      clientAction(async ({ client, print }, file: string, { json }: { json?: boolean }) => {
        const described = await readObject<NetworkInput>(file, { what: 'the description of a network' });
        const network = await client.networks.keep(described);
        if (json) return print(JSON.stringify(network, undefined, 2));
        print(`  ${network.id} is kept: ${network.parameters.toLocaleString('en')} parameters`);
        print('  To make it the teacher of a job, put this into its spec:');
        print(`    "teacher": {"type": "stored", "weights": "${network.weights.digest}"}`);
      }),
    );

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
