import type { Worker } from 'node:worker_threads';
import { startThread } from '@distillery/engine/program';
import { DistilleryError } from '@distillery/spec';
import type { Answer, Request, Works } from './answering.ts';
import { type Bounds, bounded } from './bounded.ts';

/** A thread that works for this one, so that the work delays no other request. */
export interface Asking<W extends Works<never>> {
  /**
   * Asks for a work by its name.
   *
   * @throws DistilleryError what the work throws; `overloaded`; `internal` when the thread ends meanwhile
   */
  ask<Name extends keyof W & string>(
    work: Name,
    ...args: Parameters<W[Name]> extends [unknown, ...infer Args] ? Args : never
  ): Promise<Awaited<ReturnType<W[Name]>>>;
  /** Ends the thread. Works in progress fail. */
  close(): Promise<void>;
}

export interface AskingOptions {
  /** The URL of the thread's module, which calls `answerRequests`. */
  module: string;
  data: unknown;
  /** The works in the plural, for errors. */
  what: string;
  bounds: Bounds;
  warn(message: string): void;
}

/**
 * Its thread starts with the first request, because a start takes most of a second in development, and again after it has
 * ended, for example because a work needed more memory than a thread may have.
 */
export function startAsking<W extends Works<never>>(options: AskingOptions): Asking<W> {
  const { module, data, what, bounds, warn } = options;
  const pending = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  const inTurn = bounded(what, bounds);
  let thread: Worker | undefined;
  let last = 0;

  function start(): Worker {
    const worker = startThread(module, data);
    let cause: unknown;
    worker.on('message', (answer: Answer) => {
      if ('warning' in answer) return warn(answer.warning);
      const { resolve, reject } = pending.get(answer.id) ?? {};
      pending.delete(answer.id);
      if ('failure' in answer) reject?.(failed(answer.failure, what));
      else resolve?.(answer.result as never);
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      thread = undefined;
      const why = cause instanceof Error ? cause.message : `exit code ${code}`;
      const error = new DistilleryError('internal', `the thread of ${what} ended: ${why}`, { cause });
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    });
    return worker;
  }

  return {
    ask: (work, ...args) =>
      inTurn(() => {
        thread ??= start();
        const id = ++last;
        thread.postMessage({ id, work, args } satisfies Request);
        return new Promise((resolve, reject) => {
          pending.set(id, { resolve, reject });
        });
      }),
    async close() {
      await thread?.terminate();
    },
  };
}

type Failure = Extract<Answer, { failure: unknown }>['failure'];

function failed({ code, message, fields, stack }: Failure, what: string): DistilleryError {
  const cause = new Error(`in the thread of ${what}: ${stack}`);
  return new DistilleryError(code ?? 'internal', message, { cause, ...(fields && { fields }) });
}
