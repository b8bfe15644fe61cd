import { DistilleryError, type MetricRow, type Reason, type StageProgress } from '@distillery/spec';
import type { Client, guarded } from '../redis/connection.ts';
import { type Keys, scriptKeys } from '../redis/keys.ts';
import { run, type Script } from '../redis/script.ts';
import { beginScript } from '../scripts/begin.ts';
import { failScript, succeedScript } from '../scripts/finish.ts';
import { metricsScript, progressScript, warningScript } from '../scripts/tell.ts';

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
 * @param guard how a write meets an outage. One that was sent again because its reply was lost lands once: metrics and
 *   warnings carry a `number` that rises with each of them, the others change nothing the second time
 */
export function fence(redis: Client, keys: Keys, guard: typeof guarded) {
  const write = (script: Script, { jobId, stageId, attempt }: Attempt, args: (string | number)[]) =>
    run(redis, script, scriptKeys(keys, jobId), [stageId, attempt, ...args]).catch((error: unknown) => {
      throw refusal(error) ?? error;
    });

  return {
    /** Takes a stage over, or says why there is nothing to do: `stage_succeeded`, `stage_waiting`, `job_failed`, … */
    begin: guard(async (jobId: string, stageId: string, worker: string): Promise<Begun> => {
      const reply = await run(redis, beginScript, scriptKeys(keys, jobId), [stageId, worker]);
      const [what, value, startedAt, failures] = reply as [string, string, string?, string?];
      if (what === 'skip') return { skip: value };
      const jobStartedAt = new Date(Number(startedAt)).toISOString();
      return { jobId, stageId, attempt: Number(value), jobStartedAt, failures: Number(failures) };
    }),

    progress: guard(async (attempt: Attempt, progress: StageProgress): Promise<void> => {
      const fraction = Math.min(1, Math.max(0, Number.isFinite(progress.fraction) ? progress.fraction : 0));
      const told = { ...progress, fraction, loss: finite(progress.loss) };
      await write(progressScript, attempt, [JSON.stringify(told), fraction, progress.phase]);
    }),

    /** Rows in one write; NaN and infinite values are kept as null. `number` 0: never taken for one sent again. */
    metrics: guard(
      async (attempt: Attempt, rows: readonly NewMetricRow[], number: number = 0): Promise<void> => {
        const args = rows.flatMap(({ epoch, step, time, values }) => [
          epoch,
          step,
          time,
          JSON.stringify(Object.fromEntries(Object.entries(values).map(([key, v]) => [key, finite(v)]))),
        ]);
        if (args.length > 0) await write(metricsScript, attempt, [number, ...args]);
      },
    ),

    /** Something that people should know and that stops nothing. */
    warning: guard(async (attempt: Attempt, message: string, number: number = 0): Promise<void> => {
      await write(warningScript, attempt, [number, message]);
    }),

    /** Stores the result, plain JSON; the stages that are ready now. */
    succeed: guard(async (attempt: Attempt, result: unknown): Promise<string[]> => {
      return (await write(succeedScript, attempt, [JSON.stringify(result ?? null)])) as string[];
    }),

    /**
     * The stage is queued again; or, when it has failed `tries` times without getting any further, the whole job fails
     * with this reason.
     *
     * @returns how often it has failed so; 0 when that was the last time
     */
    fail: guard(async (attempt: Attempt, reason: Reason, tries: number = 1): Promise<number> => {
      const told = { ...reason, stage: attempt.stageId };
      return (await write(failScript, attempt, [JSON.stringify(told), tries])) as number;
    }),

    /** The stage is queued again and nothing has failed: its worker stops. */
    handBack: guard(async (attempt: Attempt): Promise<void> => {
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
