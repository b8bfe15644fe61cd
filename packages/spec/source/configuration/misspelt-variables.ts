import type { Environment } from './read.ts';
import type { Setting } from './setting.ts';
import { settings } from './settings.ts';
import { similarTo } from './similar-name.ts';

/**
 * Warns of variables that look like a misspelt setting, such as STORE_DIRS. It shows no values, as a variable of
 * another program may be secret.
 */
export function misspeltVariables(environment: Environment): string[] {
  const known = (Object.values(settings) as Setting[]).flatMap(({ variable, alias }) =>
    alias === undefined ? [variable] : [variable, alias.variable],
  );
  return Object.keys(environment)
    .filter((name) => !known.includes(name))
    .flatMap((name) => {
      const similar = similarTo(name, known);
      return similar === undefined
        ? []
        : [`${name} is not a setting of Distillery, did you mean ${similar}?`];
    });
}
