import type { ValueType } from './value-types.ts';

/** The programs that read settings; `setup` is scripts/setup.mjs, whose settings are documented here alone. */
export const programs = ['api', 'worker', 'trainer', 'up', 'demo', 'cli', 'keys', 'setup'] as const;
export type Program = (typeof programs)[number];

/** One setting: everything that reading, checking, printing and documenting it needs. */
export interface Setting<T = unknown> {
  /** The section of docs/configuration.md that lists it. */
  readonly group: 'service' | 'api' | 'worker' | 'client' | 'setup';
  /** The environment variable. */
  readonly variable: string;
  /** The command-line flag, e.g. `--trainers`; absent for secrets, which other users could read in a list of processes. */
  readonly flag?: string;
  readonly type: ValueType<T>;
  readonly programs: readonly Program[];
  /** The programs that do not start without it. */
  readonly required?: readonly Program[];
  /** The default as text, in the form that the variable takes. */
  readonly default?: string;
  /** The default in words, where it depends on other settings. */
  readonly defaultWords?: string;
  /** Which part of the value is never printed: all of it, or the user and the password of a URL. */
  readonly secret?: 'all' | 'login';
  /** A second way to set it, whose text `convert` turns into text of this setting. */
  readonly alias?: Alias;
  /** Whole sentences, in Markdown. */
  readonly description: string;
}

interface Alias {
  readonly variable: string;
  readonly flag: string;
  readonly description: string;
  convert(text: string): string;
}
