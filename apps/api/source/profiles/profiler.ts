import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { forkModule } from '@distillery/engine/program';
import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, type KeptDataset } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { keptDatasets, profileName, profileOf, profilesFolder, refuseDataset } from '@distillery/training';
import type { Logger } from 'pino';
import { repeat } from '../artifacts/repeat.ts';

/** What the program is started with. */
export interface ProfileTask {
  /** The id of the data set. */
  dataset: string;
  store: string;
  dataDir: string;
  roots: readonly string[];
  dataDisk: number;
  dataMemory: number;
  plugins: readonly string[];
}

/** The most memory of JavaScript in the program, in MiB. */
const heapMiB = 2048;
const leaseMs = 60_000;
/** After so many failures of the program a data set is refused. */
const mostFailures = 3;

/**
 * Reads data sets that are new, one at a time in a process of its own, until it is closed. Several API processes share the work: each
 * takes a lease of a data set, and another one takes over what a process that is gone has left.
 */
export function startProfiler(
  queue: DistilleryQueue,
  store: Store,
  log: Logger,
  surroundings: Omit<ProfileTask, 'dataset'>,
  everyMs = 5000,
) {
  const failures = new Map<string, number>();
  let closed = false;
  let child: ChildProcess | undefined;

  async function work(): Promise<void> {
    try {
      while (!closed) {
        const dataset = await nextOf(await keptDatasets(store));
        if (dataset === undefined) return;
        await profiled(dataset);
      }
    } catch (error) {
      log.warn({ err: error }, 'new data sets were not read; it is tried again');
    }
  }

  /** Returns a data set that nothing is known of, with its lease. */
  async function nextOf(all: readonly KeptDataset[]): Promise<KeptDataset | undefined> {
    const known = new Set(all.length === 0 ? [] : await store.list(profilesFolder));
    for (const dataset of all.toReversed()) {
      const name = profileName(dataset);
      if (!known.has(name) && (await queue.leases.take(name, leaseMs))) return dataset;
    }
    return undefined;
  }

  async function profiled(dataset: KeptDataset): Promise<void> {
    const name = profileName(dataset);
    const renewal = setInterval(() => void queue.leases.take(name, leaseMs).catch(() => {}), leaseMs / 3);
    try {
      const end = await ran(dataset);
      if (closed || (await profileOf(store, dataset)) !== undefined) return;
      const count = (failures.get(name) ?? 0) + 1;
      failures.set(name, count);
      if (end === 'failed' && count < mostFailures)
        throw new Error(`the data set ${dataset.id} was not read`);
      await refuseDataset(store, dataset, endedBy(end, dataset));
    } finally {
      clearInterval(renewal);
      await queue.leases.end(name).catch(() => {});
    }
  }

  /** Runs the program. @returns how it ended: by itself, or killed by a signal */
  async function ran({ id }: KeptDataset): Promise<'failed' | 'killed'> {
    const task: ProfileTask = { ...surroundings, dataset: id };
    const running = forkModule(
      import.meta.resolve('@distillery/api/profile-program'),
      [JSON.stringify(task)],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { ...process.env, NODE_OPTIONS: `--max-old-space-size=${heapMiB}` },
      },
    );
    child = running;
    running.on('message', ({ warning }: { warning: string }) => log.warn(warning));
    const [, signal] = (await once(running, 'exit')) as [number | null, NodeJS.Signals | null];
    child = undefined;
    return signal === null ? 'failed' : 'killed';
  }

  const repeated = repeat(everyMs, work);
  return {
    /** Looks for new data sets now. */
    run: repeated.run,
    async close(): Promise<void> {
      closed = true;
      child?.kill('SIGKILL');
      await repeated.close();
    },
  };
}
export type Profiler = ReturnType<typeof startProfiler>;

function endedBy(end: 'failed' | 'killed', { file }: KeptDataset): DistilleryError {
  if (end === 'killed')
    return new DistilleryError(
      'out_of_memory',
      `reading ${file.name} was stopped, most likely because it took more memory than there is: split the file, or choose options that need less`,
    );
  return new DistilleryError(
    'internal',
    `reading ${file.name} failed; the log of the service has the cause; delete the data set and make it again to try once more`,
  );
}
