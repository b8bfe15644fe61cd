import type { NewSweepInput, SweepSummary, SweepView } from '@distillery/spec';
import { wholeNumber } from '@distillery/spec/configuration';
import type { Command } from 'commander';
import { newCommand, option } from '../command.ts';
import { ago } from '../format.ts';
import { liveRegion } from '../live-region.ts';
import { readObject } from '../read-spec.ts';
import { spreadText } from '../report-table.ts';
import { type ClientContext, clientAction, clientCommand } from '../run-command.ts';
import { failuresText, leaderboardTable, sweepLine, sweepPlanText } from '../sweep-table.ts';
import { table } from '../table.ts';

export const sweeps = () =>
  newCommand('sweeps')
    .summary('try a job over combinations of values')
    .description(
      'Manages sweeps: a job over the combinations of values of its spec, all of which share teachers and their outputs. (The store is tidied by: distill sweep)',
    )
    .addCommand(list(), { isDefault: true })
    .addCommand(run())
    .addCommand(validate())
    .addCommand(show())
    .addCommand(control('pause', 'pause a sweep and its jobs'))
    .addCommand(control('resume', 'resume a paused sweep'))
    .addCommand(control('cancel', 'cancel a sweep and its jobs'))
    .addCommand(remove());

const list = () =>
  clientCommand('list')
    .summary('list the sweeps (default)')
    .description('Lists the sweeps, newest first.')
    .addOption(option('--limit <n>', 'the most sweeps', wholeNumber(1)).default(20))
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, { limit, json }: { limit: number; json?: boolean }) => {
        const found = await client.sweeps.list({ limit: Math.min(limit, 100) }).toArray(limit);
        if (json) return print(JSON.stringify(found, undefined, 2));
        print(
          found.length > 0
            ? sweepsTable(found)
            : '  No sweep yet; to submit one: distill sweeps run sweep.yaml',
        );
      }),
    );

const read = (path: string) => readObject<NewSweepInput>(path, { what: 'a sweep' });

const run = () =>
  clientCommand('run')
    .summary('submit a sweep')
    .description('Submits a sweep from a file of JSON or YAML, and follows it to its end.')
    .argument('<file>', 'the sweep: the spec of a job, what varies, and the search')
    .option('--detach', 'submit it and return')
    .action(
      clientAction(async (context, path: string, { detach }: { detach?: boolean }) => {
        const { client, print } = context;
        const created = await client.sweeps.create(await read(path));
        if (detach) return print(`  ${created.id} ${created.state}: ${created.estimate.trials} trials`);
        await follow(context, created.id);
      }),
    );

const validate = () =>
  clientCommand('validate')
    .summary('plan a sweep without submitting it')
    .description('Checks a sweep and prints its combinations and what they cost.')
    .argument('<file>', 'the sweep')
    .action(
      clientAction(async ({ client, print }, path: string) => {
        print(sweepPlanText(await client.sweeps.validate(await read(path))));
      }),
    );

const show = () =>
  clientCommand('show')
    .summary('show a sweep with its leaderboard')
    .description('Shows a sweep with its leaderboard and the trials that failed.')
    .argument('<sweep>', 'the id of the sweep')
    .addOption(option('--top <n>', 'the most trials', wholeNumber(1)).default(20))
    .option('--follow', 'go on until it has ended')
    .option('--json', 'print it as JSON')
    .action(
      clientAction(async (context, id: string, { top, json, follow: goOn }: ShowOptions) => {
        if (goOn && !json) return await follow(context, id);
        const found = await context.client.sweeps.get(id);
        context.print(json ? JSON.stringify(found, undefined, 2) : sweepText(found, top));
      }),
    );

interface ShowOptions {
  top: number;
  json?: boolean;
  follow?: boolean;
}

function control(name: 'pause' | 'resume' | 'cancel', summary: string): Command {
  return clientCommand(name)
    .summary(summary)
    .description(`${summary[0].toUpperCase()}${summary.slice(1)}.`)
    .argument('<sweep>', 'the id of the sweep')
    .action(
      clientAction(async ({ client, print }, id: string) => {
        print(sweepLine(await client.sweeps[name](id)));
      }),
    );
}

const remove = () =>
  clientCommand('delete')
    .summary('delete a sweep that has ended, with its jobs')
    .description('Deletes a sweep that has ended, with its jobs.')
    .argument('<sweep>', 'the id of the sweep')
    .action(
      clientAction(async ({ client, print }, id: string) => {
        await client.sweeps.delete(id);
        print(`  ${id} is deleted`);
      }),
    );

/**
 * Follows a sweep on a terminal; elsewhere it prints a line when something has changed.
 *
 * @throws Error unless the sweep succeeds
 */
async function follow({ client, out, print, onInterrupt }: ClientContext, id: string): Promise<void> {
  const region = out.isTTY ? liveRegion(out) : undefined;
  onInterrupt(() => {
    region?.end(true);
    return `  ${id} goes on; follow it with: distill sweeps show --follow ${id}`;
  });
  let last: SweepView | undefined;
  let before = '';
  try {
    for await (const view of client.sweeps.watch(id)) {
      last = view;
      const line = sweepLine(view);
      if (region !== undefined) region.draw([line, '', ...leaderboardTable(view, 10).split('\n')]);
      else if (line !== before) print(line);
      before = line;
    }
  } finally {
    region?.end();
    onInterrupt(() => '');
  }
  if (last === undefined) return;
  print(sweepText(last, 20));
  if (last.state !== 'succeeded') throw new Error(`${id} ${last.state}`);
}

function sweepText(view: SweepView, top: number): string {
  return [sweepLine(view), '', leaderboardTable(view, top), ...failuresText(view.trials)].join('\n');
}

function sweepsTable(found: readonly SweepSummary[], now = Date.now()): string {
  return table(
    [
      { title: 'sweep', whole: true },
      { title: 'name' },
      { title: 'state', whole: true },
      { title: 'search', whole: true },
      { title: 'trials', align: 'right' },
      { title: 'best validation %', align: 'right' },
      { title: 'submitted', align: 'right' },
    ],
    found.map(({ id, name, state, search, trials, best, createdAt }) => {
      const counts = Object.values(trials);
      const open = trials.waiting + trials.running + trials.held;
      const all = counts.reduce((sum, count) => sum + count, 0);
      return [
        id,
        name ?? '–',
        state,
        search.type,
        `${all - open} of ${all}`,
        best === null ? '–' : spreadText(best.validation.best),
        ago(createdAt, now),
      ];
    }),
  );
}
