import { styleText } from 'node:util';
import type { CatalogueEntry } from '@distillery/spec';
import type { Command } from 'commander';
import { UsageError } from './failure.ts';
import { clientAction, clientCommand } from './run-command.ts';
import { table, wrap } from './table.ts';

/** A command that lists one page of the catalogue, or shows one of its kinds with its options. */
export function catalogueCommand(
  name: 'methods' | 'architectures',
  { one, summary, description }: { one: string; summary: string; description: string },
): Command {
  return clientCommand(name)
    .summary(summary)
    .description(description)
    .argument('[name]', `one ${one}, to see its options`)
    .option('--json', 'print them as JSON')
    .action(
      clientAction(async ({ client, print }, type: string | undefined, { json }: { json?: boolean }) => {
        const all = await client[name].list();
        const found = type === undefined ? all : all.filter((entry) => entry.type === type);
        if (found.length === 0) {
          const near = all.filter((entry) => entry.type.includes(type ?? '')).map((entry) => entry.type);
          throw new UsageError(`there is no ${one} ${JSON.stringify(type)}`, {
            remedy: near.length > 0 ? `similar: ${near.join(', ')}` : `to list them, run: distill ${name}`,
          });
        }
        if (json) return print(JSON.stringify(type === undefined ? found : found[0], undefined, 2));
        print(type === undefined ? entriesTable(found, name) : entryText(found[0]));
      }),
    );
}

function entriesTable(entries: readonly CatalogueEntry[], name: string): string {
  const rows = entries.map(({ type, summary }) => [type, summary]);
  const list = table([{ title: 'name', whole: true }, { title: 'what it is' }], rows);
  return `${list}\n\n${styleText('dim', `  To see the options of one: distill ${name} ${entries[0].type}`)}`;
}

/** One kind with its options. */
function entryText(entry: CatalogueEntry, width = process.stdout.columns ?? 80): string {
  const { type, summary, formula, reference, needs = [], trains = [], options, defaults } = entry;
  const { properties = {} } = options as {
    properties?: Record<string, { description?: string; type?: string }>;
  };
  const facts: [string, string][] = [
    ['formula', formula ?? ''],
    ['reads', needs.join(', ')],
    ['trains', trains.join(', ')],
    ['reference', reference ?? ''],
  ];
  const rows = Object.entries(properties).map(([name, { description = '' }]) => [
    name,
    name in defaults ? JSON.stringify(defaults[name]) : 'required',
    description.replaceAll('`', ''),
  ]);
  return [
    `  ${styleText('bold', type)}`,
    ...wrap(summary, width - 3).map((line) => `  ${line}`),
    '',
    ...facts
      .filter(([, text]) => text !== '')
      .flatMap(([title, text]) =>
        wrap(text, width - 14).map((line, i) => `  ${(i === 0 ? title : '').padEnd(10)} ${line}`),
      ),
    ...(rows.length === 0
      ? ['  It has no options.']
      : ['', table([{ title: 'option', whole: true }, { title: 'default' }, { title: 'meaning' }], rows)]),
  ].join('\n');
}
