import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testCache } from './cache.ts';

const run = promisify(execFile);

/**
 * Returns the folder of the commands of npm packages (names with versions, as for `npm install`) that only a test needs and
 * that do not go with this repository's versions. Without a network it prints the reason and returns undefined. The packages
 * stay in `$DISTILLERY_CACHE`, so that each is downloaded once.
 */
export async function npmTools(packages: string[]): Promise<string | undefined> {
  const cache = testCache();
  const folder = join(cache, `npm-test-${packages.join('+').replaceAll(/[^\w.+-]/g, '-')}`);
  const commands = join(folder, 'node_modules', '.bin');
  try {
    await access(commands);
    return commands;
  } catch {
    // Not installed yet.
  }
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(`${folder}.`);
  try {
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--fetch-retries=1'];
    await run('npm', ['install', '--prefix', draft, ...options, ...packages], { timeout: 120_000 });
    // Another process may have been faster.
    await rename(draft, folder).catch(() => access(commands));
    return commands;
  } catch (error) {
    console.warn(`Skipped, for want of ${packages.join(', ')}: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
