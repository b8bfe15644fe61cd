import { loadedPlugins } from '@distillery/training';
import { type Asking, startAsking } from './asking.ts';
import { jobWorks } from './job-works.ts';
import type { ServiceData, ThreadServices } from './open-services.ts';

type JobWorks = typeof jobWorks;
type Arguments<Name extends keyof JobWorks> =
  Parameters<JobWorks[Name]> extends [unknown, string, ...infer Args] ? Args : never;

/** Reads and controls jobs, large ones on a thread of their own: their records have tens of thousands of fields. */
export interface Records {
  /** Does one of `jobWorks` for a job. @throws DistilleryError `job_not_found`, `redis_unavailable`, `overloaded`, and its own */
  ask<Name extends keyof JobWorks>(
    work: Name,
    id: string,
    ...args: Arguments<Name>
  ): Promise<Awaited<ReturnType<JobWorks[Name]>>>;
  close(): Promise<void>;
}

/** A job with more stages is large, and so is a page with more entries. */
const [manyStages, manyEntries] = [200, 1000];
const isLarge = (stages: number, args: readonly unknown[]) =>
  stages > manyStages ||
  args.some((arg) => ((arg as { limit?: number } | undefined)?.limit ?? 0) > manyEntries);

/** Curves of more rows are slow to read. */
const manyRows = 5000;
/** The works that take long whatever the size of the job: they read the predictions for a whole test set, or large files. */
const takeLong: ReadonlySet<string> = new Set<keyof JobWorks>([
  'analysis',
  'samples',
  'sampleImage',
  'encodeWeights',
  'encodeBundle',
]);

/** Each takes a fraction of a second of the thread, so that two answers of Redis wait for it at most. */
const bounds = { atOnce: 2, waiting: 200 };

export function startRecords({
  warn,
  services,
  ...data
}: Omit<ServiceData, 'plugins'> & { services: ThreadServices; warn(message: string): void }): Records {
  const start = (what: string): Asking<JobWorks> =>
    startAsking({
      module: import.meta.resolve('@distillery/api/records-thread'),
      data: { ...data, plugins: loadedPlugins } satisfies ServiceData,
      what,
      bounds,
      warn,
    });
  const thread = start('requests for large jobs');
  // So that these delay no other request.
  const slow = start('requests for curves, predictions and files');
  return {
    async ask(work, id, ...args) {
      const { stages } = await services.queue.jobs.header(id);
      const isSlow =
        takeLong.has(work) || (work === 'curves' && (await services.queue.metrics.count(id)) > manyRows);
      if (isSlow) return (await slow.ask(work, ...([id, ...args] as never))) as never;
      if (isLarge(stages.length, args)) return (await thread.ask(work, ...([id, ...args] as never))) as never;
      return (jobWorks[work] as (...all: unknown[]) => Promise<never>)(services, id, ...args);
    },
    async close() {
      await Promise.all([thread.close(), slow.close()]);
    },
  };
}
