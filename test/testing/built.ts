import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

/** Runs one of the repository's scripts in its root. */
export async function runScript(name: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [join('scripts', name), ...args], { cwd: root });
}

/**
 * Compiles everything, as `npm run build` does, into a new folder that any user may read, for the caller to remove. It
 * lies inside the repository so that the compiled files find its packages.
 */
export async function buildJavaScript(): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache', 'built-'));
  await runScript('build.mjs', folder);
  await chmod(folder, 0o755);
  return folder;
}
