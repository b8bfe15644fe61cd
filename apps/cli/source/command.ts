import { type Program, type Setting, settingsOf } from '@distillery/spec/configuration';
import { Command, type CommanderError, Option } from 'commander';
import { UsageError } from './failure.ts';
import type { ValueType } from '@distillery/spec/configuration';

/** Creates a command that throws UsageError where commander would print and exit. */
export function newCommand(name: string): Command {
  const command = new Command(name);
  return command
    .helpOption('-h, --help', 'show this help')
    .configureOutput({ writeErr: () => {} })
    .exitOverride((error) => {
      throw usageError(error, command);
    });
}

/** Adds a flag for each setting of a program that has one. */
export function withSettings(command: Command, program: Program): Command {
  for (const [, setting] of settingsOf(program)) {
    const { flag, alias, type } = setting;
    const repeatable = type.separator !== undefined;
    const collect = (text: string, before: string[] = []) => [...before, text];
    if (flag !== undefined) {
      const option = new Option(`${flag} <value>`, helpOf(setting));
      command.addOption(repeatable ? option.argParser(collect) : option);
    }
    if (alias !== undefined)
      command.option(`${alias.flag} <value>`, plain(alias.description, alias.variable));
  }
  return command;
}

/** Returns the settings flags of the command line, in the form that readConfiguration takes. */
export function settingsFlags(command: Command, program: Program): Record<string, string | string[]> {
  const flags = settingsOf(program).flatMap(([, { flag, alias }]) => [flag, alias?.flag]);
  return Object.fromEntries(
    command.options
      .filter(({ long }) => flags.includes(long ?? undefined))
      .map((option) => [option.long, command.getOptionValue(option.attributeName()) as string | string[]])
      .filter(([, value]) => value !== undefined),
  ) as Record<string, string | string[]>;
}

/** Creates an option of one command. Its value is checked like a setting of the same type. */
export function option<T>(flags: string, description: string, { codec, allowed }: ValueType<T>): Option {
  const created = new Option(flags, description);
  return created.argParser((text) => {
    const result = codec.safeParse(text);
    if (result.success) return result.data;
    throw new UsageError(`${created.long} is ${JSON.stringify(text)}, it must be ${allowed}`);
  });
}

function helpOf({ description, variable, default: usual, defaultWords }: Setting): string {
  const words = usual === undefined || usual === '' ? defaultWords : usual;
  return plain(description, words === undefined ? variable : `${variable}, default ${words}`);
}

/** Removes links and backticks from Markdown and appends `more`. */
function plain(description: string, more: string): string {
  return `${description.replaceAll(/ \[[^\]]*\]\([^)]*\)\./g, '')} (${more})`.replaceAll('`', '');
}

function usageError({ code, exitCode, message }: CommanderError, command: Command): UsageError {
  if (exitCode === 0) return new UsageError('', { exitCode });
  const names = [];
  for (let one: Command | null = command; one !== null; one = one.parent) names.unshift(one.name());
  // For `help fly`, commander prints its help and reports no unknown command.
  const reason = code === 'commander.help' ? 'unknown command' : message.replace(/^error: /, '');
  return new UsageError(reason.replaceAll('\n', ' '), { remedy: `see: ${names.join(' ')} --help` });
}
