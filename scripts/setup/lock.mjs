/** Lets one setup at a time do a step; the others wait, then find it done. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Returns whether the process that holds a lock has ended. A lock without a process id is stale after a minute. */
function isStale(folder) {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    process.kill(pid, 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    if (error.code === 'EPERM') return false;
    try {
      return Date.now() - statSync(folder).mtimeMs > 60_000;
    } catch {
      return false; // It was released in the meantime.
    }
  }
}

/**
 * Runs `work` while holding the named lock. Creating a folder is atomic on every file system, opening a file is not. The
 * process id inside shows whether the setup that holds the lock still runs.
 */
export async function withLock(name, work) {
  const folder = join(tmpdir(), `distillery-setup-${process.getuid?.() ?? 'user'}-${name}.lock`);
  for (;;) {
    try {
      mkdirSync(folder);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isStale(folder)) rmSync(folder, { recursive: true, force: true });
      else await sleep(500);
    }
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', release);
  try {
    writeFileSync(join(folder, 'pid'), String(process.pid));
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}
