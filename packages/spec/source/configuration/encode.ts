import { type Configuration, settingsOf } from './read.ts';
import { withoutSecrets } from './secrets.ts';
import type { Program } from './setting.ts';
import type { SettingName } from './settings.ts';

/** The environment that makes `program` read these settings; settings of other programs are left out. */
export function environmentOf<P extends Program>(
  program: P,
  configuration: Configuration<P>,
): Record<string, string> {
  const values: Partial<Record<SettingName, unknown>> = configuration;
  return Object.fromEntries(
    settingsOf(program).flatMap(([name, { variable, type }]) => {
      const value = values[name];
      return value === undefined ? [] : [[variable, type.codec.encode(value)]];
    }),
  );
}

/** The same with passwords and tokens hidden, for logs. */
export function printable<P extends Program>(
  program: P,
  configuration: Configuration<P>,
): Record<string, string> {
  const environment = environmentOf(program, configuration);
  for (const [, { variable, secret }] of settingsOf(program)) {
    if (variable in environment) environment[variable] = withoutSecrets(environment[variable], secret);
  }
  return environment;
}
