import type { Hold, ScrubReport, SweepReport } from '@distillery/spec';
import type { CallOptions, Transport } from '../transport.ts';

export interface SweepChoice {
  /** Whether the files are removed; default false, which counts them. */
  remove?: boolean;
  /** Whether they are removed although another service used the store, or they are most of it; default false. */
  force?: boolean;
  /** The least age of the files, in seconds; default: a day. */
  olderThanSeconds?: number;
}

/** The calls about the store of files. They need a key of scope `admin`. */
export function store(transport: Transport) {
  return {
    /**
     * Counts or removes the files that no job needs.
     *
     * @example
     * const { blobs, bytes } = await client.store.sweep();
     */
    sweep: (choice: SweepChoice = {}, options: CallOptions = {}): Promise<SweepReport> =>
      transport.json<SweepReport>({
        path: '/v1/store/sweep',
        method: 'POST',
        query: { ...choice },
        repeatable: true,
        ...options,
      }),

    /**
     * Begins to compare every file with its digest, or without `content` to look only whether it is there. While a scrub runs, its report is the answer.
     *
     * @example
     * await client.store.scrub({ remove: true });
     */
    scrub: (
      choice: { remove?: boolean; content?: boolean } = {},
      options: CallOptions = {},
    ): Promise<ScrubReport> =>
      transport.json<ScrubReport>({
        path: '/v1/store/scrub',
        method: 'POST',
        query: { ...choice },
        repeatable: true,
        ...options,
      }),

    /**
     * Returns the report of the scrub that runs, or of the last one.
     *
     * @throws ApiError `not_ready` before the first one
     * @example
     * const { state, damaged } = await client.store.scrubReport();
     */
    scrubReport: (options: CallOptions = {}): Promise<ScrubReport> =>
      transport.json<ScrubReport>({ path: '/v1/store/scrub', ...options }),

    /**
     * Lets the service remove nothing from its store for some hours (default 6), so that a backup is complete.
     *
     * @throws ApiError `not_ready` while files are still being removed
     * @example
     * const { until } = await client.store.hold({ hours: 2 });
     */
    hold: (choice: { hours?: number } = {}, options: CallOptions = {}): Promise<Hold> =>
      transport.json<Hold>({
        path: '/v1/store/hold',
        method: 'PUT',
        query: { ...choice },
        repeatable: true,
        ...options,
      }),

    /**
     * Returns until when nothing is removed from the store.
     *
     * @example
     * const { until } = await client.store.held();
     */
    held: (options: CallOptions = {}): Promise<Hold> =>
      transport.json<Hold>({ path: '/v1/store/hold', ...options }),

    /**
     * Ends the hold.
     *
     * @example
     * await client.store.release();
     */
    release: (options: CallOptions = {}): Promise<void> =>
      transport.done({ path: '/v1/store/hold', method: 'DELETE', ...options }),
  };
}
