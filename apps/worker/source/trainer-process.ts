import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { forkModule } from '@distillery/engine/program';
import { DistilleryError, type EngineInfo } from '@distillery/spec';
import type { Logger } from 'pino';
import type { FromTrainer, Task, ToTrainer } from './messages.ts';
import { wasRefusedMemory } from './out-of-memory.ts';
import { trainerEnvironment } from './trainer-environment.ts';

/** What a trainer says while it works; what it ends with is the promise. */
export type Report = Extract<FromTrainer, { type: 'progress' | 'metrics' | 'warning' }>;
export type Outcome = { type: 'done'; result: unknown } | { type: 'stopped' };

/**
 * Runs a task in a child process.
 *
 * @param threads that it computes with, unless TF_NUM_INTRAOP_THREADS says otherwise
 * @param stallMs without a sign of life for so long, the trainer is killed
 * @param graceMs between SIGTERM and SIGKILL: time to finish a step and commit a checkpoint
 * @param signal aborted: the trainer is asked to stop, then made to
 * @throws DistilleryError what the trainer failed with, `stalled`, `trainer_crashed` or `out_of_memory` when it just ended
 */
export async function runTask(
  task: Task,
  {
    threads,
    stallMs,
    graceMs,
    signal,
    report,
    log,
  }: {
    threads: number;
    stallMs: number;
    graceMs: number;
    signal: AbortSignal;
    report: (message: Report) => void;
    log: Logger;
  },
): Promise<Outcome> {
  const trainer = start([], log, { TF_NUM_INTRAOP_THREADS: String(threads) });
  const onAbort = () => void stop(trainer, graceMs);
  let watch: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    trainer.child.send({ type: 'run', task } satisfies ToTrainer);
    let outcome: Outcome | undefined;
    let failure: DistilleryError | undefined;
    let heard = performance.now();
    watch = setInterval(
      () => {
        const silent = performance.now() - heard;
        if (silent < stallMs || failure !== undefined) return;
        const seconds = Math.round(silent / 1000);
        failure = new DistilleryError('stalled', `the trainer gave no sign of life for ${seconds} s`);
        // It may not hear anything gentler.
        trainer.child.kill('SIGKILL');
      },
      Math.min(5000, stallMs / 4),
    );
    trainer.child.on('message', (message: FromTrainer) => {
      heard = performance.now();
      if (message.type === 'done' || message.type === 'stopped') outcome = message;
      else if (message.type === 'failed') failure = failed(message);
      else if (message.type !== 'engine' && message.type !== 'alive') report(message);
    });
    const end = await trainer.exit;
    if (failure !== undefined) throw failure;
    // A trainer that had to be killed had been asked to stop before.
    if (outcome === undefined && signal.aborted) return { type: 'stopped' };
    if (outcome === undefined) throw crashed(end, trainer.lastLines());
    return outcome;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', onAbort);
    await stop(trainer, graceMs);
  }
}

/** Asks a fresh child process which engine starts here, and how fast it is. */
export async function probeEngine(log: Logger): Promise<EngineInfo> {
  const trainer = start(['--probe'], log);
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

function start(args: string[], log: Logger, environment: Record<string, string> = {}): Trainer {
  const child = forkModule(import.meta.url, 'trainer', args, {
    // What the person who started the worker has set goes before.
    env: { ...trainerEnvironment, ...environment, ...process.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
      log.debug({ trainer: child.pid }, line);
    });
  }
  const exit = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  // A spawn that fails emits 'error' and then 'close'; `exit` tells of it.
  child.on('error', (error) => lines.push(error.message));
  return { child, exit, lastLines: () => lines };
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
  // TensorFlow's notes at the level I (INFO) are no reason for anything.
  const grave = lines.filter((line) => !/^I\d{4} /.test(line));
  const telling = grave.findLast((line) => /error|abort|what\(\)/i.test(line)) ?? grave.at(-1);
  const said = telling === undefined ? '' : `; it said: ${telling.trim()}`;
  // SIGKILL: the kernel's way when a machine or a container has no memory left.
  const outOfMemory = signal === 'SIGKILL' || lines.some(wasRefusedMemory);
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return outOfMemory
    ? new DistilleryError('out_of_memory', `the trainer was ended ${how}, most likely for its memory${said}`)
    : new DistilleryError('trainer_crashed', `the trainer ended ${how}${said}`);
}
