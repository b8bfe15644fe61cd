import { join } from 'node:path';
import { ConfigurationError } from './configuration-error.ts';
import { withoutSecrets } from './secrets.ts';
import type { Program, Setting } from './setting.ts';
import { type SettingName, settings } from './settings.ts';
import { similarTo } from './similar-name.ts';
import { folderUrl } from './store-url.ts';
import type { ValueType } from './value-types.ts';

type Table = typeof settings;
type ValueOf<Name extends SettingName> = Table[Name]['type'] extends ValueType<infer T> ? T : never;

/** Settings whose default depends on other settings; `completed` fills them in. */
type Derived = 'store' | 'dataDir';
type Optional<Name extends SettingName, P extends Program> = Table[Name] extends { default: string }
  ? false
  : Name extends Derived
    ? false
    : Table[Name] extends { required: readonly (infer R)[] }
      ? P extends R
        ? false
        : true
      : true;

/** The settings of a program; undefined stands for a setting that has no default and is not set. */
export type Configuration<P extends Program> = {
  [Name in SettingName as P extends Table[Name]['programs'][number] ? Name : never]: Optional<
    Name,
    P
  > extends true
    ? ValueOf<Name> | undefined
    : ValueOf<Name>;
};

/** Flags as they were typed, by name: `{'--trainers': '2', '--root': ['a', 'b']}`. */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of a program, in the order of the table. */
export function settingsOf(program: Program): [name: SettingName, setting: Setting][] {
  return (Object.entries(settings) as [SettingName, Setting][]).filter(([, setting]) =>
    setting.programs.includes(program),
  );
}

/** The default of a setting that has one and does not depend on others. */
export function defaultOf<
  Name extends { [N in SettingName]: Table[N] extends { default: string } ? N : never }[SettingName],
>(name: Name): ValueOf<Name> {
  const { type, default: text } = settings[name];
  return type.codec.parse(text) as ValueOf<Name>;
}

/**
 * The settings of a program: a flag goes before its variable, a variable before the default. An empty text counts as
 * not set.
 *
 * @throws ConfigurationError for an unknown flag, an unusable value or a missing setting: one line, without secrets
 */
export function readConfiguration<P extends Program>(
  program: P,
  environment: Environment,
  flags: Flags = {},
): Configuration<P> {
  const own = settingsOf(program);
  refuseUnknown(flags, own);
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const [name, setting] of own) {
    const given = textOf(setting, environment, flags);
    if (given !== undefined) values[name] = parsed(setting, given.name, given.text);
    else if (setting.default !== undefined) values[name] = setting.type.codec.parse(setting.default);
    else if (setting.required?.includes(program)) {
      throw new ConfigurationError(`${setting.variable} is not set, it must be ${setting.type.allowed}`);
    } else values[name] = undefined;
  }
  return completed(values) as Configuration<P>;
}

interface Given {
  /** Of the variable or flag. */
  name: string;
  text: string;
}

function textOf(setting: Setting, environment: Environment, flags: Flags): Given | undefined {
  const { variable, flag, alias } = setting;
  const separator = setting.type.separator ?? ' ';
  const from = (name: string | undefined, source: Flags): Given | undefined => {
    const value = name === undefined ? undefined : source[name];
    const joined = typeof value === 'object' ? value.join(separator) : value;
    return name === undefined || joined === undefined || joined.trim() === ''
      ? undefined
      : { name, text: joined };
  };
  for (const [source, own, other] of [
    [flags, flag, alias?.flag],
    [environment, variable, alias?.variable],
  ] as const) {
    const first = from(own, source);
    const second = from(other, source);
    if (first !== undefined && second !== undefined) {
      throw new ConfigurationError(`${first.name} and ${second.name} are both set: leave one of them out`);
    }
    if (first !== undefined) return first;
    if (second !== undefined && alias !== undefined) return { ...second, text: alias.convert(second.text) };
  }
  return undefined;
}

function parsed({ type, secret }: Setting, name: string, text: string): unknown {
  const result = type.codec.safeParse(text);
  if (result.success) return result.data;
  const shown = withoutSecrets(text, secret);
  throw new ConfigurationError(`${name} is ${JSON.stringify(shown)}, it must be ${type.allowed}`);
}

function refuseUnknown(flags: Flags, own: readonly (readonly [string, Setting])[]): void {
  const known = own.flatMap(([, { flag, alias }]) => [flag, alias?.flag].filter((one) => one !== undefined));
  const unknown = Object.keys(flags).find((flag) => !known.includes(flag));
  if (unknown === undefined) return;
  const similar = similarTo(unknown, known);
  const hint = similar === undefined ? `the flags are ${known.join(', ')}` : `did you mean ${similar}?`;
  throw new ConfigurationError(`there is no flag ${unknown}: ${hint}`);
}

/** Store and data lie in the folder of everything whose place is not set. */
function completed(values: Partial<Record<SettingName, unknown>>): Partial<Record<SettingName, unknown>> {
  const { folder } = values;
  if (typeof folder !== 'string') return values;
  const places = { store: folderUrl(join(folder, 'store')), dataDir: join(folder, 'data') };
  for (const [name, place] of Object.entries(places) as [keyof typeof places, string][]) {
    if (name in values) values[name] ??= place;
  }
  return values;
}
