import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/**
 * Identifies where the ids of this process's neighbours mean something: this boot of this machine and, in a container, its
 * own process ids (pid_namespaces(7)). On other systems than Linux only the host's name is known.
 */
export const processPlace: Promise<string> = (async () => {
  const facts = [
    Promise.resolve(hostname()),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ];
  const text = (await Promise.all(facts)).join(' ');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
})();

/** Whether a process of this place exists. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process exists and belongs to another user.
    return (error as { code?: string }).code === 'EPERM';
  }
}

/**
 * When a process of this place began, in ticks since the boot: a later process with the same id has another time.
 * Undefined on other systems than Linux, and for a process that does not exist (proc_pid_stat(5)).
 */
export async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program, in parentheses, may itself have spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
