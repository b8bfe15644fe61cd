import { oneOf } from '@distillery/spec/configuration';
import { Argument, type Command } from 'commander';
import { newCommand } from '../command.ts';
import { completedOf, completionScripts, type Shell } from '../completion.ts';
import { UsageError } from '../failure.ts';

const shells = Object.keys(completionScripts) as [Shell, ...Shell[]];

export const completion = () =>
  newCommand('completion')
    .summary('print the completion script of a shell')
    .description(
      [
        'Prints a script that completes commands and options in a shell:',
        '  bash  distill completion bash > ~/.local/share/bash-completion/completions/distill',
        '  zsh   distill completion zsh > "${fpath[1]}/_distill"',
        '  fish  distill completion fish > ~/.config/fish/completions/distill.fish',
      ].join('\n'),
    )
    .addArgument(
      new Argument('<shell>', shells.join(', ')).argParser((text) => {
        const { codec, allowed } = oneOf(shells);
        const result = codec.safeParse(text);
        if (result.success) return result.data;
        throw new UsageError(`the shell is ${JSON.stringify(text)}, it must be ${allowed}`);
      }),
    )
    .action((shell: Shell, _options: object, command: Command) => {
      const program = command.parent;
      if (program === null) throw new Error('completion is a command of a program');
      process.stdout.write(completionScripts[shell](completedOf(program)));
    });
