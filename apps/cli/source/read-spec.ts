import { readFile } from 'node:fs/promises';
import type { JobSpecInput } from '@distillery/spec';
import { parse } from 'yaml';
import { UsageError } from './failure.ts';

/** Reads a job spec from a file; see `readObject`. */
export function readSpec(path: string): Promise<JobSpecInput> {
  return readObject<JobSpecInput>(path, { what: 'a job spec', remedy: 'to write a spec, run: distill init' });
}

/**
 * Reads an object from a file of JSON or, when its name ends in `.yaml` or `.yml`, of YAML. Whether it is valid is for the API to
 * check.
 *
 * @param what the object, for messages, and what to do where there is no such file
 * @throws UsageError naming the file and the place, when it cannot be read or is neither
 */
export async function readObject<T>(
  path: string,
  { what, remedy }: { what: string; remedy?: string },
): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`, {
      cause: error,
      ...(code === 'ENOENT' && remedy !== undefined ? { remedy } : {}),
    });
  }
  const yaml = /\.ya?ml$/i.test(path);
  let spec: unknown;
  try {
    // The core schema has no dates and no `no` for false; a spec with aliases is a tree of its own.
    spec = yaml ? parse(text, { schema: 'core', maxAliasCount: 100 }) : JSON.parse(text);
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    throw new UsageError(`${path} is not ${yaml ? 'YAML' : 'JSON'}: ${why}`, { cause: error });
  }
  if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return spec as T;
  throw new UsageError(`${path} has no object at its top, as ${what} has`);
}
