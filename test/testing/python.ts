import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { testCache } from './cache.ts';

const run = promisify(execFile);

/** How long `pythonWith` takes at most by default, in ms; a hook that calls it needs a little more. */
export const pythonTimeout = 120_000;

/**
 * Returns the Python of a virtual environment with `packages` (names as for `pip install`). Without Python, a network or a
 * wheel it prints the reason and returns undefined. The environment stays in `$DISTILLERY_CACHE/python-test-venv`, so each
 * package is downloaded once. Test files may call it at the same time.
 *
 * @param timeout milliseconds; `torch` needs more than the default on a slow connection
 */
export async function pythonWith(packages: string[], timeout = pythonTimeout): Promise<string | undefined> {
  const cache = testCache();
  const environment = join(cache, 'python-test-venv');
  const python = join(environment, 'bin', 'python');
  const signal = AbortSignal.timeout(timeout);
  try {
    await mkdir(cache, { recursive: true });
    await withLock(`${environment}.lock`, signal, async () => {
      await makeEnvironment(environment, python, signal);
      // Marked after pip has ended, because a killed pip leaves packages that look installed.
      const marker = (name: string) => join(environment, `installed-${encodeURIComponent(name)}`);
      const missing: string[] = [];
      for (const name of packages) if (!(await exists(marker(name)))) missing.push(name);
      if (missing.length === 0) return;
      await run(python, ['-m', 'pip', ...pipOptions(missing), ...missing], { signal });
      for (const name of missing) await writeFile(marker(name), '');
    });
    return python;
  } catch (error) {
    const reason = signal.aborted ? `not ready within ${timeout / 1000} s` : lastLine(error);
    console.warn(`Skipped, for want of Python with ${packages.join(', ')}: ${reason}`);
    return undefined;
  }
}

async function makeEnvironment(environment: string, python: string, signal: AbortSignal): Promise<void> {
  const marker = join(environment, 'ready');
  const works = (await exists(marker)) && (await run(python, ['--version'], { signal }).then(yes, no));
  if (works) return;
  await rm(environment, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', environment], { signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('python3 is not installed');
    // On Debian, venv needs a separate package to install pip; the system's pip does the same.
    await rm(environment, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', '--without-pip', environment], { signal });
    await run('python3', ['-m', 'pip', '--python', python, 'install', '--quiet', 'pip'], { signal });
  }
  await writeFile(marker, '');
}

function pipOptions(packages: string[]): string[] {
  // Few retries, so that an offline machine fails in seconds; and wheels only, so that no compiler starts.
  const options = ['install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--retries=1'];
  // The torch wheels of PyPI contain gigabytes of CUDA libraries.
  const cpuOnly = ['--extra-index-url', 'https://download.pytorch.org/whl/cpu'];
  return packages.some((name) => name.startsWith('torch')) ? [...options, ...cpuOnly] : options;
}

/** Lets one process at a time change the environment; the lock of a dead process is removed. */
async function withLock(path: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;) {
    const taken = await writeFile(path, String(process.pid), { flag: 'wx', signal }).then(yes, no);
    if (taken) break;
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (holder !== '' && !isAlive(Number(holder))) await rm(path, { force: true });
    await sleep(100, undefined, { signal });
  }
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const yes = () => true;
const no = () => false;

async function exists(path: string): Promise<boolean> {
  return await access(path).then(yes, no);
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  const lines = (stderr || message || String(error)).trim().split('\n');
  return lines.at(-1)!.trim();
}
