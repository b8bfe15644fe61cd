import type { Command } from 'commander';

/** A command with what can follow it, as far as it is known without asking the service. */
export interface Completed {
  name: string;
  summary: string;
  options: { flags: string[]; description: string }[];
  subcommands: Completed[];
}

/** Describes a command and those below it. */
export function completedOf(command: Command): Completed {
  return {
    name: command.name(),
    summary: command.summary(),
    options: [
      ...command.options
        .filter(({ hidden }) => !hidden)
        .map(({ short, long, description }) => ({
          flags: [short, long].filter((flag) => flag !== undefined),
          description,
        })),
      { flags: ['-h', '--help'], description: 'show this help' },
    ],
    subcommands: command.commands.map(completedOf),
  };
}

/** Where a word is completed: behind these commands, with these choices. */
interface Place {
  path: string[];
  words: { word: string; description: string }[];
}

function placesOf(command: Completed, path: string[] = []): Place[] {
  const words = [
    ...command.subcommands.map(({ name, summary }) => ({ word: name, description: summary })),
    ...command.options.flatMap(({ flags, description }) => flags.map((word) => ({ word, description }))),
  ];
  return [{ path, words }, ...command.subcommands.flatMap((one) => placesOf(one, [...path, one.name]))];
}

/** Returns the first sentence of a description, without what quotes would need. */
function brief(description: string): string {
  return description
    .split(/\.(?:\s|$)/)[0]
    .replaceAll(/['"`$\\:[\]]/g, '')
    .slice(0, 60);
}

/** The scripts that teach a shell the commands and options of the program. */
export const completionScripts = {
  bash: (program: Completed) => `# ${program.name}: completion for bash
_${program.name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} path='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -* ]] || path+=" \${COMP_WORDS[i]}"
  done
  case "$path" in
${placesOf(program)
  .reverse()
  .map(
    ({ path, words }) =>
      `    '${path.map((name) => ` ${name}`).join('')}'*) words='${words.map(({ word }) => word).join(' ')}' ;;`,
  )
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  # Specs and folders are files.
  [[ $word == -* || $path == '' ]] || COMPREPLY+=($(compgen -f -- "$word"))
}
complete -o filenames -F _${program.name} ${program.name}
`,

  zsh: (program: Completed) => `#compdef ${program.name}
# ${program.name}: completion for zsh
_${program.name}() {
  local place='' one
  local -a choices
  for one in "\${(@)words[2,CURRENT-1]}"; do
    [[ $one == -* ]] || place+=" $one"
  done
  case "$place" in
${placesOf(program)
  .reverse()
  .map(
    ({ path, words }) =>
      `    '${path.map((name) => ` ${name}`).join('')}'*) choices=(${words
        .map(({ word, description }) => `'${word}:${brief(description)}'`)
        .join(' ')}) ;;`,
  )
  .join('\n')}
  esac
  _describe '${program.name}' choices
  [[ $place == '' ]] || _files
}
compdef _${program.name} ${program.name}
`,

  fish: (program: Completed) => `# ${program.name}: completion for fish
complete -c ${program.name} -f
${placesOf(program)
  .flatMap(({ path, words }) => {
    const nested =
      path.length === 1 ? (program.subcommands.find(({ name }) => name === path[0])?.subcommands ?? []) : [];
    const without =
      nested.length === 0
        ? ''
        : `; and not __fish_seen_subcommand_from ${nested.map(({ name }) => name).join(' ')}`;
    const condition =
      path.length === 0
        ? '__fish_use_subcommand'
        : `${path.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')}${without}`;
    return words.map(({ word, description }) => {
      const choice = word.startsWith('--')
        ? `-l ${word.slice(2)}`
        : word.startsWith('-')
          ? `-s ${word.slice(1)}`
          : `-a ${word}`;
      return `complete -c ${program.name} -n '${condition}' ${choice} -d '${brief(description)}'`;
    });
  })
  .join('\n')}
${['run', 'validate'].map((name) => `complete -c ${program.name} -n '__fish_seen_subcommand_from ${name}' -F`).join('\n')}
`,
};

export type Shell = keyof typeof completionScripts;
