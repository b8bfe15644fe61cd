import type { NewSweepInput, SweepPlan, SweepState, SweepSummary, SweepView } from '@distillery/spec';
import { delay } from '../delay.ts';
import { type Listing, listing } from '../listing.ts';
import { randomKey } from '../random-key.ts';
import { isTransient } from '../retry.ts';
import type { CallOptions, Transport } from '../transport.ts';

export interface SweepFilter {
  /** Sweeps in this state. */
  state?: SweepState | undefined;
  /** Sweeps of this owner: the name of an API key. */
  owner?: string | undefined;
  /** The most sweeps of a page, 1 to 100; default 20. */
  limit?: number | undefined;
  /** Sweeps after this position: `next` of a page. */
  after?: string | undefined;
}

export interface SweepPage {
  sweeps: SweepSummary[];
  next: string | null;
}

export interface WatchSweepOptions extends CallOptions {
  /** The milliseconds between two views, default 1000. */
  interval?: number;
}

/** A sweep of many trials is planned trial by trial before it is answered. */
const planningMs = 120_000;
const longestPauseMs = 15_000;

/** The calls about sweeps. */
export function sweeps(transport: Transport) {
  const path = (id: string, below = '') => `/v1/sweeps/${encodeURIComponent(id)}${below}`;
  const control =
    (action: string) =>
    (id: string, options: CallOptions = {}) =>
      transport.json<SweepView>({
        path: path(id, `/${action}`),
        method: 'POST',
        repeatable: true,
        ...options,
      });
  const get = (id: string, options: CallOptions = {}): Promise<SweepView> =>
    transport.json<SweepView>({ path: path(id), ...options });

  async function* watch(
    id: string,
    { interval = 1000, ...options }: WatchSweepOptions = {},
  ): AsyncGenerator<SweepView, void, void> {
    for (let failures = 0, reached = false; ; ) {
      try {
        const now = await get(id, options);
        [failures, reached] = [0, true];
        yield now;
        if (now.finishedAt !== null) return;
      } catch (error) {
        if (!reached || !isTransient(error)) throw error;
        failures++;
      }
      await delay(Math.min(longestPauseMs, interval * 2 ** failures), options.signal);
    }
  }

  return {
    /**
     * Submits a sweep. Like a job it is safe to repeat, and is repeated by itself after a failure that may pass.
     *
     * @throws ApiError `invalid_sweep`, with an entry in `errors` for each invalid field
     * @example
     * const sweep = await client.sweeps.create({
     *   job: spec,
     *   over: { '/students/0/method/0/temperature': { values: [1, 2, 4, 8] } },
     *   search: { type: 'grid' },
     * });
     */
    create: (
      sweep: NewSweepInput,
      { idempotencyKey = randomKey(), ...options }: CallOptions & { idempotencyKey?: string } = {},
    ): Promise<SweepView> =>
      transport.json<SweepView>({
        path: '/v1/sweeps',
        method: 'POST',
        body: sweep,
        headers: { 'idempotency-key': idempotencyKey },
        repeatable: true,
        timeoutMs: planningMs,
        ...options,
      }),

    /**
     * Plans a sweep without submitting it: its combinations, and what they cost.
     *
     * @throws ApiError `invalid_sweep`, with an entry in `errors` for each invalid field
     * @example
     * const { estimate } = await client.sweeps.validate(sweep);
     * console.log(estimate.jobs, estimate.seconds);
     */
    validate: (sweep: NewSweepInput, options: CallOptions = {}): Promise<SweepPlan> =>
      transport.json<SweepPlan>({
        path: '/v1/sweeps/validate',
        method: 'POST',
        body: sweep,
        repeatable: true,
        timeoutMs: planningMs,
        ...options,
      }),

    /**
     * Returns a sweep with its trials and its leaderboard.
     *
     * @throws ApiError `sweep_not_found`
     * @example
     * const { leaderboard } = await client.sweeps.get(id);
     * console.log(leaderboard[0]?.values, leaderboard[0]?.validation.best);
     */
    get,

    /**
     * Lists sweeps, newest first.
     *
     * @example
     * for await (const sweep of client.sweeps.list({ state: 'running' })) console.log(sweep.id, sweep.trials);
     */
    list: (
      { after, ...filter }: SweepFilter = {},
      options: CallOptions = {},
    ): Listing<SweepSummary, SweepPage> =>
      listing(
        (from = after) =>
          transport.json<SweepPage>({ path: '/v1/sweeps', query: { ...filter, after: from }, ...options }),
        { items: (page) => page.sweeps, next: (page) => page.next },
      ),

    /**
     * Yields the view of a sweep from time to time, until it has ended: the last view is the final one. An outage after the first view is
     * waited for.
     *
     * @example
     * for await (const { state, trials } of client.sweeps.watch(id)) console.log(state, trials.length);
     */
    watch,

    /**
     * Waits until a sweep has ended, and returns it.
     *
     * @example
     * const { leaderboard } = await client.sweeps.wait(id);
     */
    async wait(id: string, options: WatchSweepOptions = {}): Promise<SweepView> {
      let last: SweepView | undefined;
      for await (const view of watch(id, options)) last = view;
      return last as SweepView;
    },

    /**
     * Pauses a sweep and its jobs.
     *
     * @throws ApiError `state_conflict` when it has ended
     * @example
     * await client.sweeps.pause(id);
     */
    pause: control('pause'),

    /**
     * Resumes a paused sweep.
     *
     * @example
     * await client.sweeps.resume(id);
     */
    resume: control('resume'),

    /**
     * Cancels a sweep and its jobs. What has a result stays in the leaderboard.
     *
     * @example
     * const { state } = await client.sweeps.cancel(id);
     */
    cancel: control('cancel'),

    /**
     * Deletes a sweep that has ended, with its jobs.
     *
     * @throws ApiError `state_conflict` when it has not ended
     * @example
     * await client.sweeps.delete(id);
     */
    delete: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: path(id), method: 'DELETE', ...options }),
  };
}
