import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { JobSpecInput } from '@distillery/spec';
import { UsageError } from './failure.ts';

/** Beside the compiled program, or in a clone. */
const folder = [
  new URL('../examples/', import.meta.url),
  new URL('../../../examples/', import.meta.url),
].find((url) => existsSync(url));

/** The names of the examples that come with the program. */
export function exampleNames(): string[] {
  if (folder === undefined) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => basename(name, '.json'))
    .sort();
}

/** @throws UsageError for an unknown name, with the known ones */
export function readExample(name: string): JobSpecInput {
  const names = exampleNames();
  if (folder === undefined || !names.includes(name))
    throw new UsageError(`there is no example ${JSON.stringify(name)}`, {
      remedy: `examples: ${names.join(', ')}`,
    });
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as JobSpecInput;
}
