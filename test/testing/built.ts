import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

/** Runs a script of the repository, in the root. */
export async function runScript(name: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [join('scripts', name), ...args], { cwd: root });
}

/**
 * Compiles everything, like `npm run build`, into a new folder that any user may read, and that the caller removes. The
 * folder is inside the repository, so that the compiled files find its node_modules.
 */
export async function buildJavaScript(): Promise<string> {
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache', 'built-'));
  await runScript('build.mjs', folder);
  await chmod(folder, 0o755);
  return folder;
}
