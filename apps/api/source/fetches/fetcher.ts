import type { DistilleryQueue } from '@distillery/queue';
import { asDistilleryError, DistilleryError, type ErrorCode } from '@distillery/spec';
import type { Store } from '@distillery/store';
import {
  datasetIfKept,
  dropFetch,
  failFetch,
  failureOf,
  type Fetch,
  fetches,
  fetchOf,
} from '@distillery/training';
import type { Logger } from 'pino';
import { repeat } from '../artifacts/repeat.ts';
import type { Submissions } from '../threads/submissions.ts';
import type { FetchContext } from './attempt.ts';
import { fetchFile } from './fetch-file.ts';
import { forgetArrived } from './log.ts';

/** What the service itself lacks for a moment: the fetch goes on with the next look. */
const later = new Set<ErrorCode>(['store_unavailable', 'redis_unavailable', 'overloaded', 'upload_conflict']);
/** How often a fault of the program is tried again. */
const mostFaults = 3;
const leaseMs = 20_000;

interface Running {
  owner: string | null;
  stop: AbortController;
  done: Promise<void>;
}

/**
 * Fetches the files of data sets from the web until it is closed. Several API processes share the work: each takes a lease of a fetch,
 * and another one goes on where a process that is gone has ended.
 *
 * @param ready is called when a data set has its file
 */
export function startFetcher(
  {
    queue,
    submissions,
    ...context
  }: Omit<FetchContext, 'queue'> & {
    queue: DistilleryQueue;
    submissions: Pick<Submissions, 'ask'>;
  },
  log: Logger,
  ready: () => void,
  everyMs = 5000,
) {
  const { store, rules } = context;
  const running = new Map<string, Running>();
  const faults = new Map<string, number>();
  let closed = false;
  const lease = ({ id }: Fetch) => `fetch/${id}`;

  async function work(): Promise<void> {
    try {
      for (const fetch of (await fetches(store)).toReversed()) {
        if (closed) return;
        if (running.has(fetch.id)) continue;
        const failure = await failureOf(store, fetch.id);
        if (failure !== undefined) {
          if (Date.parse(failure.at) + rules.keepMs < Date.now()) await dropFetched(queue, store, fetch.id);
          continue;
        }
        const own = [...running.values()].filter(({ owner }) => owner === fetch.owner);
        if (running.size >= rules.atOnce || own.length >= rules.ofOwner) continue;
        if (await queue.leases.take(lease(fetch), leaseMs)) start(fetch);
      }
    } catch (error) {
      log.warn({ err: error }, 'files were not fetched; it is tried again');
    }
  }

  function start(fetch: Fetch): void {
    const stop = new AbortController();
    const done = run(fetch, stop).finally(() => {
      running.delete(fetch.id);
      if (!closed) repeated.run();
    });
    running.set(fetch.id, { owner: fetch.owner, stop, done });
  }

  async function run(fetch: Fetch, stop: AbortController): Promise<void> {
    const watch = setInterval(() => void stillOurs(fetch, stop).catch(() => {}), everyMs);
    try {
      const told = (reason: string) => log.info({ dataset: fetch.id, reason }, 'a fetch was interrupted');
      if ((await datasetIfKept(store, fetch.id)) === undefined) {
        const file = await fetchFile({ queue, ...context }, fetch, stop.signal, told);
        await submissions.ask('keepFetched', { id: fetch.id, file });
      }
      await dropFetched(queue, store, fetch.id);
      ready();
    } catch (error) {
      await ended(fetch, stop.signal, error).catch((fault: unknown) => {
        log.warn({ err: fault, dataset: fetch.id }, 'the end of a fetch was not stored; it is tried again');
      });
    } finally {
      clearInterval(watch);
      await queue.leases.end(lease(fetch)).catch(() => {});
    }
  }

  /** Extends the lease, and stops when another process has it or the data set was deleted. */
  async function stillOurs(fetch: Fetch, stop: AbortController): Promise<void> {
    if (!(await queue.leases.take(lease(fetch), leaseMs)))
      stop.abort(new Error('another process fetches it'));
    const now = await fetchOf(store, fetch.id);
    if (now?.createdAt !== fetch.createdAt) stop.abort(new Error('it was deleted'));
  }

  async function ended(fetch: Fetch, signal: AbortSignal, error: unknown): Promise<void> {
    if ((await fetchOf(store, fetch.id)) === undefined) return await dropFetched(queue, store, fetch.id);
    if (signal.aborted) return;
    const known = asDistilleryError(error);
    if (later.has(known.code))
      return log.warn({ err: error, dataset: fetch.id }, 'a fetch waits for the service');
    const count = (faults.get(fetch.id) ?? 0) + 1;
    faults.set(fetch.id, count);
    if (known.code === 'internal') {
      log.warn({ err: error, dataset: fetch.id }, 'a file was not fetched');
      if (count < mostFaults) return;
    }
    const reason =
      known.code === 'internal'
        ? new DistilleryError('internal', 'fetching the file failed; the log of the service has the cause')
        : known;
    const { code, message } = reason;
    log.info({ dataset: fetch.id, code, message }, 'a file cannot be fetched');
    // Another attempt of the same may go on with what came before the host was away.
    if (code !== 'data_unavailable') await forgetArrived(queue, store, fetch.id);
    await failFetch(store, fetch, reason);
    faults.delete(fetch.id);
  }

  const repeated = repeat(everyMs, work);
  return {
    /** Looks for new fetches now. */
    run: repeated.run,
    /** Stops; what has arrived is kept. */
    async close(): Promise<void> {
      closed = true;
      for (const { stop } of running.values()) stop.abort(new Error('the API closes'));
      await repeated.close();
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
export type Fetcher = ReturnType<typeof startFetcher>;

/** Forgets a fetch; a collection removes those of its blobs that nothing else names. */
export async function dropFetched(queue: DistilleryQueue, store: Store, id: string): Promise<void> {
  await forgetArrived(queue, store, id);
  await dropFetch(store, id);
}
