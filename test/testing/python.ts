import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The longest that `pythonWith` takes by default; give a hook that calls it a little more. */
export const pythonTimeout = 120_000;

/**
 * The interpreter of a virtual environment that has `packages` (as `pip install` names them), or undefined, with
 * the reason printed, where it cannot be had in time: no Python, no network, no wheel. The environment is kept in
 * `$DISTILLERY_CACHE/python-test-venv` and grows, so a package is downloaded once. Test files may call it at once.
 * @param timeout milliseconds; `torch` wants more than the default on a slow line.
 */
export async function pythonWith(packages: string[], timeout = pythonTimeout): Promise<string | undefined> {
  const cache = process.env.DISTILLERY_CACHE ?? join(homedir(), '.cache', 'distillery');
  const environment = join(cache, 'python-test-venv');
  const python = join(environment, 'bin', 'python');
  const signal = AbortSignal.timeout(timeout);
  try {
    await mkdir(cache, { recursive: true });
    await withLock(`${environment}.lock`, signal, async () => {
      await makeEnvironment(environment, python, signal);
      // Marked by us after pip has ended: one that was killed leaves packages that look installed.
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
    // Debian keeps what venv bootstraps pip with in a package of its own; the system's pip can do it as well.
    await rm(environment, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', '--without-pip', environment], { signal });
    await run('python3', ['-m', 'pip', '--python', python, 'install', '--quiet', 'pip'], { signal });
  }
  await writeFile(marker, '');
}

function pipOptions(packages: string[]): string[] {
  // Few retries and wheels only: an offline machine should say so in seconds, and none should start a compiler.
  const options = ['install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--retries=1'];
  // PyPI's own wheels of torch bring gigabytes of CUDA.
  const cpuOnly = ['--extra-index-url', 'https://download.pytorch.org/whl/cpu'];
  return packages.some((name) => name.startsWith('torch')) ? [...options, ...cpuOnly] : options;
}

/** One process at a time makes or grows the environment; the lock of a process that died is taken over. */
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
