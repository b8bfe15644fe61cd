import {
  bestStudentOf,
  DistilleryError,
  type LogLine,
  maxSkippedNames,
  type MetricRow,
  type Reason,
  reportSchema,
  type SavedCheckpoint,
  type SkippedData,
  type StageProgress,
} from '@distillery/spec';
import type { Client, guarded } from '../redis/connection.ts';
import { type Keys, scriptKeys } from '../redis/keys.ts';
import { placeOf } from './metrics.ts';
import { scrub } from '../redis/scrub.ts';
import { run, type Script } from '../redis/script.ts';
import { beginScript } from '../scripts/begin.ts';
import { failScript, succeedScript } from '../scripts/finish.ts';
import {
  checkpointScript,
  logScript,
  metricsScript,
  progressScript,
  skippedScript,
  warningScript,
} from '../scripts/reports.ts';

/** The right to write for a stage, until a newer attempt begins or the job ends. */
export interface Attempt {
  jobId: string;
  stageId: string;
  attempt: number;
}

/** `failures`: how often the stage has failed since it last got further than ever before. */
export type Begun = (Attempt & JobOfAttempt & { failures: number }) | { skip: string };

/** What every stage of a job has in common. */
export interface JobOfAttempt {
  /** When the first stage of the job began, for its time limit. */
  jobStartedAt: string;
  /** The id of the request that posted the job; null for a job of an earlier version. */
  request: string | null;
}

/** A row of metrics as a trainer reports it; the attempt adds stage and attempt. */
export type NewMetricRow = Omit<MetricRow, 'stage' | 'attempt'>;

/** Samples of a data set that were left out; the attempt adds the stage. */
export type NewSkippedData = Omit<SkippedData, 'stage'>;

/** The most characters of a warning or a log line; the rest is cut off. */
const maxMessageLength = 2000;

/**
 * The fence: every write of a stage carries its attempt, and one script refuses an older one, atomically and with
 * no effect (DistilleryError `stale_attempt`). BullMQ's lock does not do this: a worker that lost it still writes.
 *
 * @param guard decides what a write does during an outage. A write that is sent again because its reply was lost happens
 *   once: metrics, warnings and log lines carry a `number` that rises with each of them (0: never taken for a repeat), and
 *   the other writes change nothing the second time
 * @param metricRows the most rows of metrics that each stage keeps, approximately
 */
export function fence(redis: Client, keys: Keys, guard: typeof guarded, metricRows: number) {
  const write = (
    script: Script,
    { jobId, stageId, attempt }: Attempt,
    args: (string | number)[],
    more: string[] = [],
  ) =>
    run(redis, script, [...scriptKeys(keys, jobId), ...more], [stageId, attempt, ...args]).catch(
      (error: unknown) => {
        throw refusal(error) ?? error;
      },
    );

  return {
    /**
     * Takes a stage, or returns why there is nothing to do: `stage_succeeded`, `stage_waiting`, `job_failed`, …
     *
     * @param ticket the entry in BullMQ under which the stage runs; who has the ticket of a running stage takes it over
     */
    begin: guard(
      async (
        jobId: string,
        stageId: string,
        worker: string,
        ticket: string = `${jobId}.${stageId}`,
      ): Promise<Begun> => {
        const reply = await run(redis, beginScript, scriptKeys(keys, jobId), [stageId, worker, ticket]);
        const [what, value, startedAt, failures, request] = reply as [
          string,
          string,
          string?,
          string?,
          string?,
        ];
        if (what === 'skip') return { skip: value };
        const jobStartedAt = new Date(Number(startedAt)).toISOString();
        return {
          jobId,
          stageId,
          attempt: Number(value),
          jobStartedAt,
          failures: Number(failures),
          request: request || null,
        };
      },
    ),

    progress: guard(async (attempt: Attempt, progress: StageProgress): Promise<void> => {
      const fraction = Math.min(1, Math.max(0, finite(progress.fraction) ?? 0));
      const { loss, samplesPerSecond } = progress;
      const stored = {
        ...progress,
        fraction,
        loss: finite(loss),
        samplesPerSecond: finite(samplesPerSecond),
      };
      await write(progressScript, attempt, [JSON.stringify(stored), fraction, progress.phase, progress.step]);
    }),

    /** Writes rows in one go; NaN and infinite values are kept as null. */
    metrics: guard(
      async (attempt: Attempt, rows: readonly NewMetricRow[], number: number = 0): Promise<void> => {
        const args = rows.flatMap(({ epoch, step, time, values }) => [
          epoch,
          step,
          time,
          JSON.stringify(Object.fromEntries(Object.entries(values).map(([key, v]) => [key, finite(v)]))),
        ]);
        if (args.length === 0) return;
        const head = [number, metricRows, placeOf(rows[0])];
        await write(
          metricsScript,
          attempt,
          [...head, ...args],
          [keys.stageMetrics(attempt.jobId, attempt.stageId)],
        );
      },
    ),

    /** Something that people should know and that stops nothing; the view of the job shows it. */
    warning: guard(async (attempt: Attempt, message: string, number: number = 0): Promise<void> => {
      await write(warningScript, attempt, [number, shortened(message)]);
    }),

    /** Samples that could not be read; the view of the job shows each data set once. */
    skipped: guard(async (attempt: Attempt, { digest, count, samples }: NewSkippedData): Promise<void> => {
      const kept = samples
        .slice(0, maxSkippedNames)
        .map(({ name, reason }) => ({ name: shortened(name), reason: shortened(reason) }));
      const whole = JSON.stringify({ digest, count, samples: kept });
      await write(skippedScript, attempt, [digest, count, JSON.stringify(kept), whole]);
    }),

    /** A checkpoint was committed to the store. */
    checkpoint: guard(async (attempt: Attempt, { step, bytes }: SavedCheckpoint): Promise<void> => {
      await write(checkpointScript, attempt, [step, bytes]);
    }),

    /** Log lines of the trainer or its supervisor, without the secrets that they hold. */
    log: guard(async (attempt: Attempt, lines: readonly LogLine[], number: number = 0): Promise<void> => {
      const args = lines.flatMap(({ source, level, message }) => [source, level, shortened(scrub(message))]);
      if (args.length > 0) await write(logScript, attempt, [number, ...args]);
    }),

    /** Stores the result, plain JSON; of a report, the summary of the job shows the best student. @returns the stages that are ready now */
    succeed: guard(async (attempt: Attempt, result: unknown): Promise<string[]> => {
      return (await write(succeedScript, attempt, [
        JSON.stringify(result ?? null),
        bestIn(result),
        sourceOf(result),
      ])) as string[];
    }),

    /**
     * Queues the stage again; once it has failed `tries` times without getting any further, the whole job fails with
     * this reason.
     *
     * @param lost earlier stages that must run again first, because their artifacts are gone
     * @returns how often it has failed so; 0 when that was the last time
     */
    fail: guard(
      async (
        attempt: Attempt,
        reason: Reason,
        tries: number = 1,
        lost: readonly string[] = [],
      ): Promise<number> => {
        const stored = { ...reason, stage: attempt.stageId };
        return (await write(failScript, attempt, [
          JSON.stringify(stored),
          tries,
          lost.join(' '),
          reason.code,
        ])) as number;
      },
    ),

    /** Queues the stage again without a failure: its worker stops. */
    handBack: guard(async (attempt: Attempt): Promise<void> => {
      await write(failScript, attempt, ['', 1, '', '']);
    }),
  };
}
export type Fence = ReturnType<typeof fence>;

/** The best student of the report that a result holds, as JSON; empty when it holds none. */
function bestIn(result: unknown): string {
  if (typeof result !== 'object' || result === null || !('report' in result)) return '';
  const { data: report } = reportSchema.safeParse(result.report);
  const best = report === undefined ? null : bestStudentOf(report);
  return best === null ? '' : JSON.stringify(best);
}

/** Whether a result that jobs share was found in the store; empty for any other. */
function sourceOf(result: unknown): '' | 'reused' | 'computed' {
  const reused = ownReused(result) ?? ownReused((result as { result?: unknown } | null)?.result);
  if (reused === undefined) return '';
  return reused ? 'reused' : 'computed';
}

function ownReused(result: unknown): boolean | undefined {
  const { reused } = (result ?? {}) as { reused?: unknown };
  return typeof reused === 'boolean' ? reused : undefined;
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

function shortened(message: string): string {
  return message.length <= maxMessageLength ? message : `${message.slice(0, maxMessageLength - 1)}…`;
}

function refusal(error: unknown): DistilleryError | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, code, message = ''] = /^(STALE|UNKNOWN) (.*)$/.exec(error.message) ?? [];
  if (code === 'STALE') return new DistilleryError('stale_attempt', message, { cause: error });
  if (code === 'UNKNOWN') return new DistilleryError('job_not_found', message, { cause: error });
  return undefined;
}
