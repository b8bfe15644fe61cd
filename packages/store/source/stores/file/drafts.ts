import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, processPlace } from '@distillery/spec/process-identity';

const oneDay = 24 * 60 * 60 * 1000;

/** Returns a name for a file that this process is about to write; the name identifies the process. */
export async function draftName(): Promise<string> {
  return `${await processPlace}.${process.pid}.${randomUUID()}`;
}

/**
 * Removes files that killed processes have left: those of this machine at once, those of other machines after a day
 * without a write.
 */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const [place, pid] = name.split('.');
    const orphaned = place === (await processPlace) && !isAlive(Number(pid));
    if (orphaned || (await age(path)) > oneDay) await rm(path, { force: true });
  }
}

/** Milliseconds since the last write; 0 for a file that its writer has removed meanwhile. */
async function age(path: string): Promise<number> {
  return stat(path).then(
    (found) => Date.now() - found.mtimeMs,
    () => 0,
  );
}
