/** Starting programs, finding them, and installing them where the system lets us. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from './lock.mjs';

/** Ended with us: an orphaned pip would go on writing into a folder that was cleaned up. */
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill()));

/** What counts of what a failing program printed: npm says why at the top, pip at the bottom, Node in between. */
function gist(text) {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(npm error|ERROR:)\s*/, '').trim())
    .filter((line) => /\w/.test(line) && !/complete log of this run|^Run "npm help|^aliases:/.test(line));
  const kept = (line, index) => index < 5 || index >= lines.length - 5 || /^\w*Error:/.test(line);
  return lines.filter(kept).join('\n');
}

/**
 * Runs a program to its end. Resolves to its output; rejects, with the last lines of what it printed,
 * when it cannot start, ends non-zero or outlives `timeout` (ms).
 */
export function run(command, args, { cwd, env, timeout = 900_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      // npm is a .cmd file on Windows, which only a shell starts.
      shell: process.platform === 'win32',
    });
    children.add(child);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      children.delete(child);
      if (code === 0) return resolve(output);
      const how = signal ? `was stopped (${signal}; limit ${timeout / 1000} s)` : `ended with ${code}`;
      reject(new Error(`${command} ${args.slice(0, 3).join(' ')} ${how}: ${gist(errors || output)}`));
    });
  });
}

/** The path of a program on PATH, or undefined. */
export function which(program) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** May this process install Debian packages? Only root may; asking for a password would hang `npm test`. */
export function canAptInstall() {
  return process.platform === 'linux' && process.getuid?.() === 0 && which('apt-get') !== undefined;
}

/**
 * Installs Debian packages without a question and without starting what they bring.
 *
 * Debian starts a server as soon as it is installed; policy-rc.d is its own way to forbid that. One that
 * is there already is the administrator's word and stays as it is.
 */
export function aptInstall(packages, say, policy = '/usr/sbin/policy-rc.d') {
  return withLock('apt', async () => {
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const install = () =>
      run(
        'apt-get',
        ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', ...packages],
        { env },
      );
    const ours = !existsSync(policy);
    const cleanUp = () => ours && rmSync(policy, { force: true });
    say(`installing ${packages.join(', ')} with apt-get`);
    if (ours) {
      writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
      process.on('exit', cleanUp);
    }
    try {
      // An image that never ran `update` knows no packages, so the first try may fail for that alone.
      await install().catch(async () => {
        await run('apt-get', ['update'], { env });
        await install();
      });
    } finally {
      cleanUp();
      process.off('exit', cleanUp);
    }
  });
}

// Node does not run 'exit' handlers when a signal ends it; the clean-ups above must run.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.once(signal, () => process.exit(128 + number));
}
