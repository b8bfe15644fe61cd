import { parseArgs } from 'node:util';
import { ConfigurationError } from './configuration-error.ts';
import { type Flags, settingsOf } from './read.ts';
import type { Program } from './setting.ts';

/**
 * Reads `--trainers 2 --root a --root b`; whether there are such flags is for readConfiguration to check.
 *
 * @param args what follows the program's name
 * @throws ConfigurationError for a flag without a value, and for an argument that is no flag
 */
export function readFlags(program: Program, args: readonly string[]): Flags {
  const names = settingsOf(program).flatMap(([, { flag, alias }]) =>
    [flag, alias?.flag].filter((one) => one !== undefined),
  );
  const options = Object.fromEntries(
    names.map((name) => [name.slice(2), { type: 'string', multiple: true } as const]),
  );
  const { values, positionals } = parseArgs({ args: [...args], options, strict: false });
  // The value of an unknown flag looks like an argument, so the flag is what to name.
  const known = Object.keys(values).every((name) => name in options);
  if (known && positionals.length > 0) {
    throw new ConfigurationError(`${JSON.stringify(positionals[0])} is not a flag, flags begin with --`);
  }
  return Object.fromEntries(
    Object.entries(values).map(([name, given]) => {
      const flag = name.length === 1 ? `-${name}` : `--${name}`;
      if (!names.includes(flag)) return [flag, ''];
      const texts = [given].flat().filter((text) => typeof text === 'string');
      if (texts.length === 0) throw new ConfigurationError(`${flag} needs a value`);
      return [flag, texts.length === 1 ? texts[0] : texts];
    }),
  );
}
