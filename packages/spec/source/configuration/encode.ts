import { type Configuration, settingsOf } from './read.ts';
import { withoutSecrets } from './secrets.ts';
import type { Program } from './setting.ts';
import type { SettingName } from './settings.ts';

/** The environment that makes `program` read these settings; what is undefined is left out. */
export function environmentOf<P extends Program>(
  program: P,
  configuration: { readonly [Name in keyof Configuration<P>]?: Configuration<P>[Name] },
): Record<string, string> {
  return encoded(program, configuration);
}

/** The same with passwords and tokens hidden, for logs. */
export function printable<P extends Program>(
  program: P,
  configuration: Configuration<P>,
): Record<string, string> {
  const environment = encoded(program, configuration);
  for (const [, { variable, secret }] of settingsOf(program)) {
    if (variable in environment) environment[variable] = withoutSecrets(environment[variable], secret);
  }
  return environment;
}

function encoded(program: Program, values: Partial<Record<SettingName, unknown>>): Record<string, string> {
  return Object.fromEntries(
    settingsOf(program).flatMap(([name, { variable, type }]) =>
      values[name] === undefined ? [] : [[variable, type.codec.encode(values[name])]],
    ),
  );
}
