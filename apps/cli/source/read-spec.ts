import { readFile } from 'node:fs/promises';
import type { JobSpecInput } from '@distillery/spec';
import { parse } from 'yaml';
import { UsageError } from './failure.ts';

/**
 * Reads a job spec from a file of JSON or, when its name ends in `.yaml` or `.yml`, of YAML. Whether it is a valid spec is
 * for the API to check.
 *
 * @throws UsageError naming the file and the place, when it cannot be read or is neither
 */
export async function readSpec(path: string): Promise<JobSpecInput> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`, {
      cause: error,
      ...(code === 'ENOENT' ? { remedy: 'to write a spec, run: distill init' } : {}),
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
  if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return spec as JobSpecInput;
  throw new UsageError(`${path} has no object at its top, as a job spec has`);
}
