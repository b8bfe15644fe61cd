/** Finds the files that compiled code reads and the compiler does not write. */
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Returns paths below `source`, without TypeScript files and test helpers. */
export function assetsOf(source) {
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(source.length + 1))
    .filter((path) => !path.split(sep).includes('testing'));
}
