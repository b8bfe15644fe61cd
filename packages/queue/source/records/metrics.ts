import type { MetricRow } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { entryFields, isStreamId } from '../redis/stream.ts';

export interface MetricQuery {
  stage?: string | undefined;
  /** `after` of the page before: the page begins with the next row. */
  after?: string | undefined;
  /** 1 to 10 000, default 1000. */
  limit?: number | undefined;
}

export interface MetricPage {
  rows: MetricRow[];
  /** Where the next page begins, also when this one is empty; null when the job has no row yet. */
  after: string | null;
  /** Whether there are more rows now. */
  more: boolean;
}

/** The training curves of each job, in the order in which trainers reported them. */
export function metricLog(redis: Client, keys: Keys) {
  return {
    read: guarded(async (jobId: string, query: MetricQuery = {}): Promise<MetricPage> => {
      const limit = Math.min(10_000, Math.max(1, query.limit ?? 1000));
      const rows: MetricRow[] = [];
      let after = query.after !== undefined && isStreamId(query.after) ? query.after : null;
      for (;;) {
        const start = after === null ? '-' : `(${after}`;
        const entries = await redis.xrange(keys.metrics(jobId), start, '+', 'COUNT', 2000);
        for (const [id, pairs] of entries) {
          const row = rowOf(entryFields(pairs));
          const wanted = query.stage === undefined || row.stage === query.stage;
          if (wanted && rows.length === limit) return { rows, after, more: true };
          if (wanted) rows.push(row);
          after = id;
        }
        if (entries.length < 2000) return { rows, after, more: false };
      }
    }),
  };
}
export type Metrics = ReturnType<typeof metricLog>;

function rowOf(fields: Record<string, string>): MetricRow {
  return {
    stage: fields.stage,
    attempt: Number(fields.attempt),
    epoch: Number(fields.epoch),
    step: Number(fields.step),
    time: fields.time,
    values: JSON.parse(fields.values) as MetricRow['values'],
  };
}
