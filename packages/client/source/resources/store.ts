import type { ScrubReport, SweepReport } from '@distillery/spec';
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
     * Begins to compare every file with its digest. While a scrub runs, its report is the answer.
     *
     * @example
     * await client.store.scrub({ remove: true });
     */
    scrub: (choice: { remove?: boolean } = {}, options: CallOptions = {}): Promise<ScrubReport> =>
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
  };
}
