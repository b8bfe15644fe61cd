import { clientAction, clientCommand } from '../run-command.ts';
import { table } from '../table.ts';

export const workers = () =>
  clientCommand('workers')
    .summary('show the running workers')
    .description('Lists the running workers with their engines.')
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { json }: { json?: boolean }) => {
        const found = await client.engines();
        if (json) return print(JSON.stringify(found, undefined, 2));
        if (found.length === 0) return print('  No worker is running; "distill up" runs one beside the API.');
        print(
          table(
            [
              { title: 'worker', whole: true },
              { title: 'engine' },
              { title: 'threads', align: 'right' },
              { title: 'GFLOP/s', align: 'right' },
            ],
            found.map(({ id, engine }) => [
              id,
              engine.backend,
              String(engine.threads),
              engine.gigaflops === null ? '–' : engine.gigaflops.toFixed(0),
            ]),
          ),
        );
      }),
    );
