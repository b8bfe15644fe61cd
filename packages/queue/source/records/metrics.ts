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
  /** `latest`, the default, leaves out the rows that a later attempt has written again. */
  attempts?: 'latest' | 'all' | undefined;
}

export interface MetricPage {
  rows: MetricRow[];
  /** Where the next page begins, also when this one is empty; null when the job has no row yet. */
  after: string | null;
  /** Whether there are more rows now. */
  more: boolean;
}

/** A row without what curves do not show. */
export type CurveRow = Pick<MetricRow, 'step' | 'epoch' | 'values'>;

/** A row with its id in the stream; no row where it was trimmed and only its place in the order is left. */
interface Entry {
  id: string;
  row?: MetricRow;
}

/** How many entries are read at once. */
const chunk = 2000;

/** The training curves of each job, in the order in which trainers reported them. */
export function metricLog(redis: Client, keys: Keys) {
  const range = (key: string, start: string, end: string, count: number) =>
    redis.xrange(key, start, end, 'COUNT', count);

  async function ofStage(jobId: string, stage: string, start: string, end = '+'): Promise<Required<Entry>[]> {
    const entries = await range(keys.stageMetrics(jobId, stage), start, end, chunk);
    return entries.map(([id, pairs]) => ({ id, row: rowOf(stage, entryFields(pairs)) }));
  }

  const guardedOfStage = guarded(ofStage);

  /** The rows of a page of one stage are neighbours in its own stream, so each stage is read once. */
  async function ofJob(jobId: string, start: string): Promise<Entry[]> {
    const order = await range(keys.metrics(jobId), start, '+', chunk);
    const spans = new Map<string, { first: string; last: string }>();
    for (const [id, [, stage]] of order) spans.set(stage, { first: spans.get(stage)?.first ?? id, last: id });
    const read = await Promise.all(
      [...spans].map(([stage, { first, last }]) => ofStage(jobId, stage, first, last)),
    );
    const rows = new Map(read.flat().map(({ id, row }) => [id, row]));
    return order.map(([id]) => {
      const row = rows.get(id);
      return row === undefined ? { id } : { id, row };
    });
  }

  /** For each stage of these rows, where its attempts began to write. */
  async function begunBy(jobId: string, entries: Entry[], known: Map<string, Begun[]>): Promise<void> {
    const stages = new Set(entries.flatMap(({ row }) => (row && !known.has(row.stage) ? [row.stage] : [])));
    if (stages.size === 0) return;
    const texts = await redis.hmget(keys.job(jobId), ...[...stages].map((stage) => `s:${stage}:rowsFrom`));
    for (const [i, stage] of [...stages].entries()) known.set(stage, begunOf(texts[i] ?? ''));
  }

  return {
    read: guarded(async (jobId: string, query: MetricQuery = {}): Promise<MetricPage> => {
      const { stage, attempts = 'latest' } = query;
      const limit = Math.min(10_000, Math.max(1, query.limit ?? 1000));
      const rows: MetricRow[] = [];
      const begun = new Map<string, Begun[]>();
      let after = query.after !== undefined && isStreamId(query.after) ? query.after : null;
      for (;;) {
        const start = after === null ? '-' : `(${after}`;
        const entries = await (stage === undefined ? ofJob(jobId, start) : ofStage(jobId, stage, start));
        if (attempts === 'latest') await begunBy(jobId, entries, begun);
        for (const { id, row } of entries) {
          const wanted = row !== undefined && !isRewritten(row, begun.get(row.stage) ?? []);
          if (wanted && rows.length === limit) return { rows, after, more: true };
          if (wanted) rows.push(row);
          after = id;
        }
        if (entries.length < chunk) return { rows, after, more: false };
      }
    }),

    /** How many rows a job has, with those that were written again. */
    count: guarded((jobId: string): Promise<number> => redis.xlen(keys.metrics(jobId))),

    /** The newest row of a job, and where the attempts of these stages have begun to write: texts for `scan`. */
    extent: guarded(
      async (
        jobId: string,
        stages: readonly string[],
      ): Promise<{ latest: string | null; begun: string[] }> => {
        const [newest] = await redis.xrevrange(keys.metrics(jobId), '+', '-', 'COUNT', 1);
        if (newest === undefined || stages.length === 0) return { latest: newest?.[0] ?? null, begun: [] };
        const texts = await redis.hmget(keys.job(jobId), ...stages.map((stage) => `s:${stage}:rowsFrom`));
        return { latest: newest[0], begun: texts.map((text) => text ?? '') };
      },
    ),

    /**
     * Yields the rows of a stage in their order, without those that a later attempt has written again, in parts with the id of
     * their last row.
     *
     * @param after the row behind which to begin; null: the first row
     * @param until the last row to read
     * @param begun of `extent`
     * @throws DistilleryError `redis_unavailable`
     */
    async *scan(
      jobId: string,
      stage: string,
      { after, until, begun }: { after: string | null; until: string; begun: string },
    ): AsyncGenerator<{ rows: CurveRow[]; end: string }> {
      const attempts = begunOf(begun);
      for (let last = after; ; ) {
        const entries = await guardedOfStage(jobId, stage, last === null ? '-' : `(${last}`, until);
        const end = entries.at(-1)?.id;
        if (end === undefined) return;
        yield { rows: entries.flatMap(({ row }) => (isRewritten(row, attempts) ? [] : [row])), end };
        if (entries.length < chunk) return;
        last = end;
      }
    },
  };
}
export type Metrics = ReturnType<typeof metricLog>;

/** Where an attempt began to write rows. */
interface Begun {
  attempt: number;
  place: number;
}

function begunOf(text: string): Begun[] {
  return [...text.matchAll(/(\d+)@(\S+)/g)].map(([, attempt, place]) => ({
    attempt: Number(attempt),
    place: Number(place),
  }));
}

/** The place of a row in its training: its step, and behind it the row of the epoch that ends with this step. */
export function placeOf({ step, values }: Pick<MetricRow, 'step' | 'values'>): number {
  return Object.keys(values).some((name) => name.startsWith('epoch_')) ? step + 0.5 : step;
}

/** Whether a later attempt has begun at or before this row, and so has written it again. */
function isRewritten(row: MetricRow, begun: Begun[]): boolean {
  return begun.some(({ attempt, place }) => attempt > row.attempt && place <= placeOf(row));
}

function rowOf(stage: string, fields: Record<string, string>): MetricRow {
  return {
    stage,
    attempt: Number(fields.attempt),
    epoch: Number(fields.epoch),
    step: Number(fields.step),
    time: fields.time,
    values: JSON.parse(fields.values) as MetricRow['values'],
  };
}
