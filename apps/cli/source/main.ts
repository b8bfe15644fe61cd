#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import type { Command } from 'commander';
import { newCommand } from './command.ts';
import { commands } from './commands/index.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { detailsOf, exitCodeOf, messageOf } from './failure.ts';

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

// The reader of a pipe, such as head, may close it early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const distill = newCommand('distill')
  .description('Knowledge distillation as a service.')
  .version(version, '-V, --version', 'show the version')
  .helpCommand('help [command]', 'show the help of a command')
  .commandsGroup('Service:')
  .configureHelp({ subcommandTerm })
  .addHelpText('after', '\nDISTILLERY_URL and DISTILLERY_TOKEN set the API and the key that commands use.')
  .addHelpText('after', `\n${exitCodeHelp()}`);
for (const [heading, group] of Object.entries(commands))
  for (const command of group) distill.addCommand(command().helpGroup(heading));

/** Options are left out: nearly every command has some. */
function subcommandTerm(command: Command): string {
  const words = command.registeredArguments.map((one) => {
    const name = `${one.name()}${one.variadic ? '...' : ''}`;
    return one.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}

try {
  if (process.argv.length <= 2) distill.outputHelp();
  else await distill.parseAsync();
} catch (error) {
  const message = messageOf(error);
  if (message !== '') {
    process.stderr.write(`${styleText('red', 'error', { stream: process.stderr })} ${message}\n`);
    for (const line of detailsOf(error)) process.stderr.write(`  ${line}\n`);
  }
  process.exitCode = exitCodeOf(error);
}
