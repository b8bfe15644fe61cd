import { randomUUID } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
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
    const orphaned = place === (await processPlace) ? !isAlive(Number(pid)) : await isOld(path, folder);
    if (orphaned) await rm(path, { force: true });
  }
}

/** Whether a file was last written more than a day ago. False for a file that its writer has removed meanwhile. */
async function isOld(path: string, folder: string): Promise<boolean> {
  try {
    const { mtime } = await stat(path);
    return (await fileTime(folder)).getTime() - mtime.getTime() > oneDay;
  } catch {
    return false;
  }
}

/**
 * The time that the file system gives to a file in a folder that is written now. On a shared file system that is the
 * server's clock, which another machine's may differ from by any amount.
 */
export async function fileTime(folder: string): Promise<Date> {
  const path = join(folder, await draftName());
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile('now');
    return (await handle.stat()).mtime;
  } finally {
    await handle.close();
    await rm(path, { force: true });
  }
}
