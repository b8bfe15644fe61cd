import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const oneDay = 24 * 60 * 60 * 1000;

/**
 * Identifies the scope of this process's id: this boot of this machine and, in a container, its own process ids
 * (pid_namespaces(7)). On other systems than Linux only the host's name is known.
 */
const here: Promise<string> = (async () => {
  const facts = [
    Promise.resolve(hostname()),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ];
  const text = (await Promise.all(facts)).join(' ');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
})();

/** Returns a name for a file that this process is about to write; the name identifies the process. */
export async function draftName(): Promise<string> {
  return `${await here}.${process.pid}.${randomUUID()}`;
}

/**
 * Removes files that killed processes have left: those of this machine at once, those of other machines after a day
 * without a write.
 */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const [place, pid] = name.split('.');
    const orphaned = place === (await here) && !isAlive(Number(pid));
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

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process exists and belongs to another user.
    return (error as { code?: string }).code === 'EPERM';
  }
}
