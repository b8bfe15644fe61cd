import type { Worker } from 'node:worker_threads';
import { startThread } from '@distillery/engine/program';
import { DistilleryError } from '@distillery/spec';
import { loadedPlugins } from '../import-plugin.ts';
import type { ThreadData } from './batch-thread.ts';

export interface BatchThread {
  worker: Worker;
  /** Called with the reason when the thread ends. */
  onEnd: Set<(reason: DistilleryError) => void>;
  /** Waits for what the thread will settle; the process lives on for that long, and not for an idle thread. */
  waitFor<T>(promise: Promise<T>): Promise<T>;
}

let running: BatchThread | undefined;

/**
 * The thread of this process that prepares batches. One serves all runs, for it takes 0.2 s to start; a caller that has
 * other work to do first asks for it early. Idle, it does not keep the process alive. One that ended is replaced by the
 * next call.
 */
export function batchThread(): BatchThread {
  running ??= start();
  return running;
}

function start(): BatchThread {
  const worker = startThread(import.meta.url, 'batch-thread', {
    plugins: loadedPlugins,
  } satisfies ThreadData);
  worker.unref();
  const onEnd: BatchThread['onEnd'] = new Set();
  let cause: unknown;
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    running = undefined;
    const why = cause instanceof Error ? cause.message : `exit code ${code}`;
    const reason = new DistilleryError('internal', `the thread that prepares batches ended: ${why}`, {
      cause,
    });
    for (const tell of onEnd) tell(reason);
  });
  let waiting = 0;
  return {
    worker,
    onEnd,
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
