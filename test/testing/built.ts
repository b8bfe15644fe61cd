import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

/**
 * The compiled code that tests run: service, chaos and command line are tested in the form that people run, which also
 * starts a second faster per process than the sources do. A test reads the folder with `inject('built')`.
 */
declare module 'vitest' {
  interface ProvidedContext {
    built: string;
  }
}

const root = resolve(import.meta.dirname, '../..');
const cache = join(root, '.cache', 'built');
const day = 24 * 60 * 60 * 1000;

/** Runs a script of the repository, in the root. */
export async function runScript(name: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [join('scripts', name), ...args], { cwd: root });
}

/** Returns the digest of every file that determines the compiled code. */
function sourceDigest(): string {
  const hash = createHash('sha256');
  const add = (path: string) =>
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)));
  for (const path of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'])
    add(path);
  for (const folder of ['apps', 'packages', 'examples', 'scripts/build']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      if (entry.isFile() && !/node_modules|^apps\/web\/page\/|\.test\.tsx?$|\/testing\//.test(path))
        add(path);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * Compiles everything, like `npm run build`, unless these sources were compiled before, and provides the folder. It is
 * inside the repository, so that the compiled files find its node_modules, and any user may read it.
 */
export default async function setup({ provide }: TestProject): Promise<void> {
  const folder = join(cache, sourceDigest());
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    for (const name of await readdir(cache)) {
      const { mtimeMs } = await stat(join(cache, name));
      if (Date.now() - mtimeMs > day) await rm(join(cache, name), { recursive: true, force: true });
    }
    const draft = await mkdtemp(join(cache, 'draft-'));
    try {
      await runScript('build.mjs', draft);
      await chmod(draft, 0o755);
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      // Another run can have compiled the same sources meanwhile.
      if (!existsSync(folder)) throw error;
    }
  }
  provide('built', folder);
}
