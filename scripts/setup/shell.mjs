/** Starts, finds and installs programs. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from './lock.mjs';

/** Killed when this process ends: otherwise pip would keep writing to a folder that was removed. */
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill()));

/** Shortens the output of a failed program: npm prints the cause first, pip last, and Node in between. */
function gist(text) {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(npm error|ERROR:)\s*/, '').trim())
    .filter((line) => /\w/.test(line) && !/complete log of this run|^Run "npm help|^aliases:/.test(line));
  const kept = (line, index) => index < 5 || index >= lines.length - 5 || /^\w*Error:/.test(line);
  return lines.filter(kept).join('\n');
}

/**
 * Runs a program and resolves to its output. Rejects with the relevant lines of the output if the program cannot start,
 * fails or runs longer than `timeout` (ms).
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
      const end = signal ? `was stopped (${signal}; limit ${timeout / 1000} s)` : `ended with ${code}`;
      reject(new Error(`${command} ${args.slice(0, 3).join(' ')} ${end}: ${gist(errors || output)}`));
    });
  });
}

/** Returns the path of a program on PATH, or undefined. */
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
 * Installs Debian packages without questions and without starting their servers.
 *
 * Debian starts a server when it is installed, unless policy-rc.d forbids it. An existing policy-rc.d is the
 * administrator's and is not changed.
 */
export function aptInstall(packages, print, policy = '/usr/sbin/policy-rc.d') {
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
    print(`installing ${packages.join(', ')} with apt-get`);
    if (ours) {
      writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
      process.on('exit', cleanUp);
    }
    try {
      // The first attempt fails on an image where `apt-get update` never ran.
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

// A signal ends Node without its 'exit' handlers, which the clean-up above needs.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.once(signal, () => process.exit(128 + number));
}
