import { readFile } from 'node:fs/promises';
import type { JobSpecInput } from '@distillery/spec';

/**
 * Reads a job spec from a JSON file; whether it is a valid spec is for the API to check.
 *
 * @throws Error naming the file, when it cannot be read or is not JSON
 */
export async function readSpec(path: string): Promise<JobSpecInput> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : message}`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text) as JobSpecInput;
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
