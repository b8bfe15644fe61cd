import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationError } from '@distillery/spec/configuration';
import type { Logger } from 'pino';
import { type Gpu, listGpus } from './gpus.ts';

export interface PinnedWorkersOptions {
  /** The GPUs to use, `all`, or their numbers or UUIDs. */
  gpus: readonly string[];
  /** Starts a worker process with these variables beside those of this process. */
  start(variables: Record<string, string>): ChildProcess;
  log: Logger;
  /** How long the workers may take to hand their stages back. */
  graceMs: number;
  /** The pause before a worker that has died is started again; it doubles with each death up to a minute. Default 1000. */
  restartMs?: number;
}

/** The pause grows no longer than this, and begins anew once a worker has run for so long. */
const longestRestartMs = 60_000;
/** The exit code of a process whose settings cannot be used, which another start does not change. */
const unusableSettings = 2;

/**
 * Runs one worker process for each GPU, each of which sees its own GPU alone, so that a worker that dies takes no other with it.
 * A worker that dies is started again. One that leaves with exit code 0, because nothing was left to do, is not.
 *
 * @param stop asks all of them to hand their stages back and to leave
 * @returns the exit code: 0 when every worker left by itself or as asked
 * @throws ConfigurationError when there is no such GPU
 */
export async function runPinnedWorkers(
  { gpus, start, log, graceMs, restartMs = 1000 }: PinnedWorkersOptions,
  stop: AbortSignal,
): Promise<number> {
  const chosen = choose(gpus, await listedGpus());
  const failed = new AbortController();
  const leave = AbortSignal.any([stop, failed.signal]);

  async function keepRunning(gpu: Gpu): Promise<number> {
    for (let deaths = 0; ; deaths++) {
      const begun = performance.now();
      const worker = start({ CUDA_VISIBLE_DEVICES: gpu.uuid });
      log.info({ gpu: gpu.index, pid: worker.pid }, 'worker started');
      const code = await ended(worker, leave, graceMs);
      if (leave.aborted || code === 0) return code ?? 1;
      if (code === unusableSettings) {
        failed.abort();
        return code;
      }
      if (performance.now() - begun > longestRestartMs) deaths = 0;
      const pause = Math.min(longestRestartMs, restartMs * 2 ** deaths);
      log.error({ gpu: gpu.index, code, pause }, 'a worker died and is started again');
      await delay(pause, undefined, { signal: leave }).catch(() => {});
      if (leave.aborted) return 0;
    }
  }

  return Math.max(...(await Promise.all(chosen.map(keepRunning))));
}

/** Waits for the end of a process, and ends it when `leave` aborts. Returns its exit code; null after a signal. */
async function ended(child: ChildProcess, leave: AbortSignal, graceMs: number): Promise<number | null> {
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    child.kill('SIGTERM');
    timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  leave.addEventListener('abort', end, { once: true });
  try {
    return await new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.once('error', () => resolve(null));
      if (leave.aborted) end();
    });
  } finally {
    clearTimeout(timer);
    leave.removeEventListener('abort', end);
  }
}

async function listedGpus(): Promise<Gpu[]> {
  try {
    return await listGpus();
  } catch (error) {
    const why = (error as Error).message.trim();
    throw new ConfigurationError(`GPUS needs nvidia-smi, which lists no GPU on this machine: ${why}`);
  }
}

function choose(names: readonly string[], gpus: readonly Gpu[]): Gpu[] {
  if (gpus.length === 0) throw new ConfigurationError('GPUS: nvidia-smi lists no GPU on this machine');
  if (names.length === 1 && names[0] === 'all') return [...gpus];
  return names.map((name) => {
    const found = gpus.find(({ index, uuid }) => index === name || uuid === name);
    if (found !== undefined) return found;
    const known = gpus.map(({ index, uuid }) => `${index} (${uuid})`).join(', ');
    throw new ConfigurationError(`GPUS names ${name}, but the GPUs of this machine are: ${known}`);
  });
}
