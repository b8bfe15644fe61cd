import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { forkModule } from '@distillery/engine/program';
import { DistilleryError, type EngineInfo } from '@distillery/spec';
import type { Logger } from 'pino';
import type { FromTrainer, Outcome, Report, Task, ToTrainer } from './messages.ts';
import { isOutOfMemory } from './out-of-memory.ts';
import { trainerEnvironment } from './trainer-environment.ts';
import { logLineOf } from './trainer-log.ts';

export interface TaskOptions {
  /** Environment variables of the trainer that override those of this process; default none. */
  settings?: Record<string, string>;
  /** Threads to compute with, unless TF_NUM_INTRAOP_THREADS is set. */
  threads: number;
  /** Milliseconds without a heartbeat after which the trainer is killed. */
  stallMs: number;
  /** Milliseconds between SIGTERM and SIGKILL, in which the trainer finishes a step and commits a checkpoint. */
  graceMs: number;
  /** When it aborts, the trainer is asked to stop, and killed after `graceMs`. */
  signal: AbortSignal;
  /** Receives every report of the trainer, including the lines of its stdout and stderr. */
  report: (message: Report) => void;
  log: Logger;
}

/**
 * Runs a task in a child process.
 *
 * @throws DistilleryError the error of the trainer; `stalled` without a heartbeat; `trainer_crashed` or `out_of_memory` when
 *   its process ended
 */
export async function runTask(
  task: Task,
  { settings = {}, threads, stallMs, graceMs, signal, report, log }: TaskOptions,
): Promise<Outcome> {
  const environment = { TF_NUM_INTRAOP_THREADS: String(threads), ...process.env, ...settings };
  const trainer = start([], log, { environment, report });
  const onAbort = () => void stop(trainer, graceMs);
  let watch: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    trainer.child.send({ type: 'run', task } satisfies ToTrainer);
    let outcome: Outcome | undefined;
    let failure: DistilleryError | undefined;
    let lastBeat = performance.now();
    watch = setInterval(
      () => {
        const silent = performance.now() - lastBeat;
        if (silent < stallMs || failure !== undefined) return;
        const seconds = Math.round(silent / 1000);
        failure = new DistilleryError('stalled', `the trainer sent no heartbeat for ${seconds} s`);
        // A trainer that hangs in native code cannot handle any other signal.
        trainer.child.kill('SIGKILL');
      },
      Math.min(5000, stallMs / 4),
    );
    trainer.child.on('message', (message: FromTrainer) => {
      lastBeat = performance.now();
      if (message.type === 'done' || message.type === 'stopped' || message.type === 'lost') outcome = message;
      else if (message.type === 'failed') failure = failed(message);
      else if (message.type !== 'engine' && message.type !== 'alive') report(message);
    });
    const end = await trainer.exit;
    if (failure !== undefined) throw failure;
    // A trainer that was killed because it did not stop in time.
    if (outcome === undefined && signal.aborted) return { type: 'stopped' };
    if (outcome === undefined) throw crashed(end, trainer.lastLines());
    return outcome;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', onAbort);
    await stop(trainer, graceMs);
  }
}

/** By environment, the engines that were found: the workers of one process need only one probe. */
const probed = new Map<string, Promise<EngineInfo>>();

/**
 * Starts an engine in a child process to find out which one runs on this machine, and its speed. Later calls in the same
 * environment return what the first has found, unless that failed.
 */
export async function probeEngine(log: Logger, settings: Record<string, string>): Promise<EngineInfo> {
  const environment = { ...process.env, ...settings };
  const key = JSON.stringify(environment);
  const engine = probed.get(key) ?? probe(log, environment);
  probed.set(key, engine);
  engine.catch(() => probed.delete(key));
  return engine;
}

async function probe(log: Logger, environment: NodeJS.ProcessEnv): Promise<EngineInfo> {
  const trainer = start(['--probe'], log, { environment });
  let answer: FromTrainer | undefined;
  trainer.child.on('message', (message: FromTrainer) => {
    answer = message;
  });
  const end = await trainer.exit;
  if (answer?.type === 'engine') return answer.engine;
  if (answer?.type === 'failed') throw failed(answer);
  throw crashed(end, trainer.lastLines());
}

interface Trainer {
  child: ChildProcess;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  lastLines(): string[];
}

function start(
  args: string[],
  log: Logger,
  { environment, report }: { environment: NodeJS.ProcessEnv; report?: (line: Report) => void },
): Trainer {
  const child = forkModule(import.meta.resolve('@distillery/worker/trainer'), args, {
    env: { ...trainerEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = child[name];
    if (stream === null) continue;
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
      log.debug({ trainer: child.pid }, line);
      report?.({ type: 'log', line: logLineOf(line, name) });
    });
  }
  child.on('error', (error) => lines.push(error.message));
  return { child, exit: endOf(child), lastLines: () => lines };
}

/**
 * Waits for the end of a process. An error, of a start that fails or of a message to a process that is gone, comes before the end and
 * does not replace it, as it would with `once` of node:events.
 */
export function endOf(child: Pick<ChildProcess, 'once'>): Trainer['exit'] {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

async function stop({ child, exit }: Trainer, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exit;
  clearTimeout(timer);
}

function failed({ code, message, stack }: Extract<FromTrainer, { type: 'failed' }>): DistilleryError {
  return new DistilleryError(code, message, { cause: new Error(`in the trainer: ${stack}`) });
}

function crashed(
  { code, signal }: { code: number | null; signal: NodeJS.Signals | null },
  lines: string[],
): DistilleryError {
  // TensorFlow's lines of level I (INFO) never explain a crash.
  const relevant = lines.filter((line) => !/^I\d{4} /.test(line));
  const cause = relevant.findLast((line) => /error|abort|what\(\)/i.test(line)) ?? relevant.at(-1);
  const detail = cause === undefined ? '' : `; last output: ${cause.trim()}`;
  // The kernel sends SIGKILL when a machine or a container is out of memory.
  const outOfMemory = signal === 'SIGKILL' || lines.some(isOutOfMemory);
  const end = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return outOfMemory
    ? new DistilleryError(
        'out_of_memory',
        `the trainer ended ${end}, most likely because it ran out of memory${detail}`,
      )
    : new DistilleryError('trainer_crashed', `the trainer ended ${end}${detail}`);
}
