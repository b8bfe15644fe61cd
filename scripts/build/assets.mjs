/** Files that the compiler does not write but the compiled code reads. */
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';

/** @returns paths below `source`, without the TypeScript files and what only tests read */
export function assetsOf(source) {
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(source.length + 1))
    .filter((path) => !path.split(sep).includes('testing'));
}
