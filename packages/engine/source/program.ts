import { type ChildProcess, fork, type ForkOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** In development a program is a TypeScript file, which tsx runs; once built it is JavaScript. */
const isTypeScript = (url: string) => url.endsWith('.ts');

/**
 * Starts a module as a child process with an IPC channel.
 *
 * @param url of the module, as `import.meta.resolve` returns it for an export of a package
 */
export function forkModule(
  url: string,
  args: readonly string[],
  options: Omit<ForkOptions, 'execArgv'>,
): ChildProcess {
  // tsx is installed for development only, so it is looked up only there.
  const execArgv = isTypeScript(url) ? ['--import', import.meta.resolve('tsx')] : [];
  return fork(fileURLToPath(url), args, { ...options, execArgv });
}

/**
 * Starts a module as a thread of this process.
 *
 * @param url of the module, as `import.meta.resolve` returns it for an export of a package
 * @param workerData what the module reads as `workerData`
 */
export function startThread(url: string, workerData?: unknown): Worker {
  if (!isTypeScript(url)) return new Worker(new URL(url), { execArgv: [], workerData });
  // Node 20 passes no loader on to a thread, so the thread registers it before it imports the module.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const program = `import(${loader}).then(({ register }) => (register(), import(${JSON.stringify(url)})));`;
  return new Worker(program, { eval: true, execArgv: [], workerData });
}
