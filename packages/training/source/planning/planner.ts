import type { Worker } from 'node:worker_threads';
import { startThread } from '@distillery/engine/program';
import { DistilleryError } from '@distillery/spec';
import { loadedPlugins } from '../import-plugin.ts';
import type { PlanAnswer, PlannedJob, PlannerData, PlanRequest, WorkerFacts } from './planner-thread.ts';

/** Checks and plans job specs on a thread of its own, so that neither large specs nor large data sets delay the caller. */
export interface Planner {
  /**
   * Checks a spec and plans the job.
   *
   * @param text the spec as JSON
   * @param workers facts that the running workers report
   * @throws DistilleryError `invalid_spec`, `data_error`, `data_unavailable`, with fields
   */
  plan(text: string, workers: WorkerFacts): Promise<PlannedJob>;
  /** Checks a spec and returns the plan that clients see, as JSON. Throws as `plan` does. */
  validate(text: string, workers: WorkerFacts): Promise<string>;
  /** Ends the thread. Plans in progress fail. */
  close(): Promise<void>;
}

/**
 * Creates a planner. Its thread starts with the first job, because a start takes most of a second in development, and again
 * after it has ended, for example because a plan needed more memory than a thread may have.
 */
export function startPlanner(
  options: Omit<PlannerData, 'plugins'> & { warn(message: string): void },
): Planner {
  const { warn, ...data } = options;
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  let thread: Worker | undefined;
  let last = 0;

  function start(): Worker {
    const worker = startThread(import.meta.resolve('@distillery/training/planner-thread'), {
      ...data,
      plugins: loadedPlugins,
    } satisfies PlannerData);
    let cause: unknown;
    worker.on('message', (answer: PlanAnswer) => {
      if ('warning' in answer) return warn(answer.warning);
      const { resolve, reject } = waiting.get(answer.id) ?? {};
      waiting.delete(answer.id);
      if ('failure' in answer) reject?.(failed(answer.failure));
      else resolve?.(answer.result as never);
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      thread = undefined;
      const why = cause instanceof Error ? cause.message : `exit code ${code}`;
      const error = new DistilleryError('internal', `the planning thread ended: ${why}`, { cause });
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    });
    return worker;
  }

  function ask<Result>(request: Omit<PlanRequest, 'id'>): Promise<Result> {
    thread ??= start();
    const id = ++last;
    thread.postMessage({ ...request, id } satisfies PlanRequest);
    return new Promise<Result>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  }

  return {
    plan: (text, workers) => ask({ text, workers, wanted: 'job' }),
    validate: (text, workers) => ask({ text, workers, wanted: 'view' }),
    async close() {
      await thread?.terminate();
    },
  };
}

function failed({ code, message, fields, stack }: Extract<PlanAnswer, { failure: unknown }>['failure']) {
  const cause = new Error(`in the planning thread: ${stack}`);
  return new DistilleryError(code ?? 'internal', message, { cause, ...(fields && { fields }) });
}
