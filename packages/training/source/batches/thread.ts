import type { Worker } from 'node:worker_threads';
import { startThread } from '@distillery/engine/program';
import { DistilleryError } from '@distillery/spec';
import { loadedPlugins } from '../import-plugin.ts';
import type { SkippedSample, ThreadData } from './batch-thread.ts';

export interface BatchThread {
  worker: Worker;
  /** Called with the reason when the thread ends. */
  onEnd: Set<(reason: DistilleryError) => void>;
  /** Called with each sample that is found out not to be readable; the digest is that of the reader. */
  onSkipped: Map<string, (sample: SkippedSample) => void>;
  /** Awaits a promise that the thread settles, and keeps the process alive until then. */
  waitFor<T>(promise: Promise<T>): Promise<T>;
}

let running: BatchThread | undefined;

/**
 * Returns the batch thread of this process, and starts it where necessary. One thread serves all runs, because a start
 * takes 0.2 s; call this early to start it during other work. An idle thread does not keep the process alive.
 */
export function batchThread(): BatchThread {
  running ??= start();
  return running;
}

function start(): BatchThread {
  const worker = startThread(import.meta.resolve('@distillery/training/batch-thread'), {
    plugins: loadedPlugins,
  } satisfies ThreadData);
  worker.unref();
  const onEnd: BatchThread['onEnd'] = new Set();
  const onSkipped: BatchThread['onSkipped'] = new Map();
  worker.on('message', (sample: SkippedSample) => onSkipped.get(sample.digest)?.(sample));
  let cause: unknown;
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    running = undefined;
    const why = cause instanceof Error ? cause.message : `exit code ${code}`;
    const reason = new DistilleryError('internal', `the batch thread ended: ${why}`, {
      cause,
    });
    for (const notify of onEnd) notify(reason);
  });
  let waiting = 0;
  return {
    worker,
    onEnd,
    onSkipped,
    async waitFor(promise) {
      if (waiting++ === 0) worker.ref();
      try {
        return await promise;
      } finally {
        if (--waiting === 0) worker.unref();
      }
    },
  };
}
