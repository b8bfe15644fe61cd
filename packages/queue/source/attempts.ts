import { DistilleryError, type MetricRow, type Reason, type StageProgress } from '@distillery/spec';
import type { Redis } from 'ioredis';
import { guarded } from './connection.ts';
import { type Keys, scriptKeys } from './keys.ts';
import { run, type Script } from './script.ts';
import { beginScript } from './scripts/begin.ts';
import { failScript, succeedScript } from './scripts/finish.ts';
import { metricsScript, progressScript, warningScript } from './scripts/tell.ts';

/** The right to write for a stage, until a newer attempt begins or the job ends. */
export interface Attempt {
  jobId: string;
  stageId: string;
  attempt: number;
}

/** `failures`: how often the stage has failed since it last got further than ever before. */
export type Begun = (Attempt & { jobStartedAt: string; failures: number }) | { skip: string };

/** A row as a trainer tells it; the attempt says the rest. */
export type NewMetricRow = Omit<MetricRow, 'stage' | 'attempt'>;

/**
 * The fence: every write of a stage carries its attempt, and one script refuses an older one, atomically and with
 * no effect (DistilleryError `stale_attempt`). BullMQ's lock does not do this: a worker that lost it still writes.
 *
 * On a connection that waits, a write whose reply was lost is sent again: a metric row may then stand twice.
 */
export function fence(redis: Redis, keys: Keys) {
  const write = (script: Script, { jobId, stageId, attempt }: Attempt, args: (string | number)[]) =>
    run(redis, script, scriptKeys(keys, jobId), [stageId, attempt, ...args]).catch((error: unknown) => {
      throw refusal(error) ?? error;
    });

  return {
    /** Takes a stage over, or says why there is nothing to do: `stage_succeeded`, `stage_waiting`, `job_failed`, … */
    begin: guarded(async (jobId: string, stageId: string, worker: string): Promise<Begun> => {
      const reply = await run(redis, beginScript, scriptKeys(keys, jobId), [stageId, worker]);
      const [what, value, startedAt, failures] = reply as [string, string, string?, string?];
      if (what === 'skip') return { skip: value };
      const jobStartedAt = new Date(Number(startedAt)).toISOString();
      return { jobId, stageId, attempt: Number(value), jobStartedAt, failures: Number(failures) };
    }),

    progress: guarded(async (attempt: Attempt, progress: StageProgress): Promise<void> => {
      const fraction = Math.min(1, Math.max(0, Number.isFinite(progress.fraction) ? progress.fraction : 0));
      const told = { ...progress, fraction, loss: finite(progress.loss) };
      await write(progressScript, attempt, [JSON.stringify(told), fraction, progress.phase]);
    }),

    /** Rows in one write; NaN and infinite values are kept as null. */
    metrics: guarded(async (attempt: Attempt, rows: readonly NewMetricRow[]): Promise<void> => {
      const args = rows.flatMap(({ epoch, step, time, values }) => [
        epoch,
        step,
        time,
        JSON.stringify(Object.fromEntries(Object.entries(values).map(([key, v]) => [key, finite(v)]))),
      ]);
      if (args.length > 0) await write(metricsScript, attempt, args);
    }),

    /** Something that people should know and that stops nothing. */
    warning: guarded(async (attempt: Attempt, message: string): Promise<void> => {
      await write(warningScript, attempt, [message]);
    }),

    /** Stores the result, plain JSON; the stages that are ready now. */
    succeed: guarded(async (attempt: Attempt, result: unknown): Promise<string[]> => {
      return (await write(succeedScript, attempt, [JSON.stringify(result ?? null)])) as string[];
    }),

    /**
     * The stage is queued again; or, when it has failed `tries` times without getting any further, the whole job fails
     * with this reason.
     *
     * @returns how often it has failed so; 0 when that was the last time
     */
    fail: guarded(async (attempt: Attempt, reason: Reason, tries: number = 1): Promise<number> => {
      const told = { ...reason, stage: attempt.stageId };
      return (await write(failScript, attempt, [JSON.stringify(told), tries])) as number;
    }),

    /** The stage is queued again and nothing has failed: its worker stops. */
    handBack: guarded(async (attempt: Attempt): Promise<void> => {
      await write(failScript, attempt, ['', 1]);
    }),
  };
}
export type Fence = ReturnType<typeof fence>;

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

function refusal(error: unknown): DistilleryError | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, code, message = ''] = /^(STALE|UNKNOWN) (.*)$/.exec(error.message) ?? [];
  if (code === 'STALE') return new DistilleryError('stale_attempt', message, { cause: error });
  if (code === 'UNKNOWN') return new DistilleryError('job_not_found', message, { cause: error });
  return undefined;
}
