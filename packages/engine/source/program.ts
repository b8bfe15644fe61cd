import { type ChildProcess, fork, type ForkOptions } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** `.ts` in development and `.js` once built: the whole of Distillery runs in the form that this module has. */
const ending = extname(fileURLToPath(import.meta.url));
const isTypeScript = ending === '.ts';

/** The module `name` (without its ending) beside the module whose `import.meta.url` is `from`. */
function moduleBeside(from: string, name: string): URL {
  return new URL(`${name}${ending}`, from);
}

/**
 * Starts the module `name` beside `from` as a child process with an IPC channel.
 *
 * @param from `import.meta.url` of the caller
 * @param name file name without its ending
 */
export function forkModule(
  from: string,
  name: string,
  args: readonly string[],
  options: Omit<ForkOptions, 'execArgv'>,
): ChildProcess {
  // tsx is installed for development only, so it is looked up only there.
  const execArgv = isTypeScript ? ['--import', import.meta.resolve('tsx')] : [];
  return fork(fileURLToPath(moduleBeside(from, name)), args, { ...options, execArgv });
}

/**
 * Starts the module `name` beside `from` as a thread of this process.
 *
 * @param workerData what the module reads as `workerData`
 */
export function startThread(from: string, name: string, workerData?: unknown): Worker {
  const entry = moduleBeside(from, name);
  if (!isTypeScript) return new Worker(entry, { execArgv: [], workerData });
  // Node 20 passes no loader on to a thread, so the thread registers it before it imports the module.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const program = `import(${loader}).then(({ register }) => (register(), import(${JSON.stringify(entry.href)})));`;
  return new Worker(program, { eval: true, execArgv: [], workerData });
}
