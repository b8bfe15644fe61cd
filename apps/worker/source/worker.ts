import { randomBytes } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { openQueue, type StageRun } from '@distillery/queue';
import { DistilleryError, type EngineInfo, type JobSpec, type LogLine } from '@distillery/spec';
import type { Logger } from 'pino';
import { createReporter } from './reporter.ts';
import { trainerThreads } from './trainer-environment.ts';
import { probeEngine, runTask } from './trainer-process.ts';

export interface WorkerOptions {
  redisUrl: string;
  /** Prefix of every Redis key; the queue's own default when undefined. */
  prefix?: string | undefined;
  /** Folder of the artifact store. */
  storeDir: string;
  /** Folder for downloads and decoded data sets. */
  dataDir: string;
  /** Folders that job specs may read. */
  roots: string[];
  /** Stages at once, each in a trainer of its own, default 1; on a GPU always 1. */
  trainers?: number;
  /** After so long without a sign of life of its loop a trainer is killed, and its stage retried; default 600. */
  stallSeconds?: number | undefined;
  /** A worker that has not been heard of for so long loses its stage to another; default 15. */
  lockSeconds?: number | undefined;
  /** A trainer that is told to stop has two thirds of it; the rest is for handing its stage back; default 30. */
  graceSeconds?: number | undefined;
  log: Logger;
  version: string;
  /** Takes a Redis too that may lose jobs. */
  volatileRedis?: boolean;
}

export interface RunningWorker {
  id: string;
  engine: EngineInfo;
  /**
   * Hands the stage in hand back (its trainer commits a checkpoint first), or finishes it, and leaves; safe to call
   * twice.
   */
  close(options?: { finish?: boolean }): Promise<void>;
}

/**
 * Starts a supervisor: it takes stages from the queue, has each done by a trainer child process and writes down what
 * the trainer reports.
 *
 * @throws DistilleryError `engine_unavailable` when no engine, or not the one that ENGINE forces, starts here;
 *   `redis_unavailable` for a Redis that may lose jobs; one that is away is waited for
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const {
    redisUrl,
    prefix,
    storeDir,
    dataDir,
    roots,
    version,
    stallSeconds = 600,
    lockSeconds = 15,
    graceSeconds = 30,
  } = options;
  const id = `${hostname()}-${randomBytes(3).toString('hex')}`;
  const log = options.log.child({ worker: id });
  const engine = await probeEngine(log);
  log.info({ engine }, `engine: ${engine.backend}`);
  // TensorFlow shares a GPU with nobody.
  const trainers = engine.name === 'gpu' ? 1 : (options.trainers ?? 1);
  const queue = await openQueue({
    url: redisUrl,
    ...(prefix === undefined ? {} : { prefix }),
    onOutage: 'wait',
    onError: (error) => log.warn({ err: error }, 'Redis'),
  });
  if (!options.volatileRedis) {
    await queue.checkDurability().catch(async (error: unknown) => {
      await queue.close();
      throw error;
    });
  }
  const registration = await queue.workers.register({ id, host: hostname(), version, engine });
  const inHand: StageRun[] = [];
  // The page of workers has room for one stage: the one that was taken last.
  const tellWork = () => {
    const run = inHand.at(-1);
    registration.working(run === undefined ? null : { jobId: run.jobId, stageId: run.stageId });
  };
  const consumer = await queue.stages.consume(
    async (run) => {
      const stageLog = log.child({ job: run.jobId, stage: run.stageId, attempt: run.attempt });
      inHand.push(run);
      tellWork();
      stageLog.info('stage begins');
      try {
        const result = await supervise(run, stageLog);
        stageLog.info('stage succeeds');
        return result;
      } catch (error) {
        stageLog[run.signal.aborted ? 'info' : 'error']({ err: error }, 'stage ends early');
        throw error;
      } finally {
        inHand.splice(inHand.indexOf(run), 1);
        tellWork();
      }
    },
    { worker: id, concurrency: trainers, lockDuration: lockSeconds * 1000 },
  );

  log.info('worker takes stages');

  let closing: Promise<void> | undefined;
  return {
    id,
    engine,
    close(how) {
      closing ??= (async () => {
        await consumer.close(how);
        await registration.stop();
        await queue.close();
        log.info('worker leaves');
      })();
      return closing;
    },
  };

  async function supervise(run: StageRun, stageLog: Logger): Promise<unknown> {
    const [{ view }, plan, { spec }, results] = await Promise.all([
      queue.jobs.get(run.jobId),
      queue.jobs.plan(run.jobId),
      queue.jobs.spec(run.jobId),
      queue.jobs.results(run.jobId),
    ]);
    const stage = plan.stages.find((candidate) => candidate.id === run.stageId);
    if (stage === undefined) throw new DistilleryError('internal', `the job has no stage ${run.stageId}`);
    const job = { id: run.jobId, name: view.name, spec };
    const { limits } = spec as Partial<JobSpec>;
    const deadline = deadlineOf(run.jobStartedAt, limits?.maxDurationSeconds);
    const reporter = createReporter(run, (error) =>
      stageLog.warn({ err: error }, 'a report was not written'),
    );
    const log = (level: LogLine['level'], message: string) =>
      reporter.report({ type: 'log', line: { source: 'supervisor', level, message } });
    const threads = trainerThreads(stage, plan.stages, trainers, availableParallelism());
    log('info', `${id} begins attempt ${run.attempt} with ${threads} threads (${engine.backend})`);
    try {
      const outcome = await runTask(
        {
          job,
          plan,
          stage: run.stageId,
          attempt: run.attempt,
          results,
          records: view.stages,
          warnings: view.warnings,
          skippedData: view.skippedData,
          storeDir,
          dataDir,
          roots,
        },
        {
          threads,
          stallMs: stallSeconds * 1000,
          graceMs: (graceSeconds * 2000) / 3,
          signal: AbortSignal.any([run.signal, deadline.signal]),
          report: reporter.report,
          log: stageLog,
        },
      );
      if (outcome.type === 'done') return outcome.result;
      if (run.signal.aborted) throw run.signal.reason;
      throw deadline.signal.reason;
    } catch (error) {
      log(run.signal.aborted ? 'info' : 'error', messageOf(error));
      throw error;
    } finally {
      deadline.clear();
      await reporter.flush();
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A signal that aborts with a `timeout` once the job has run for its limit. */
function deadlineOf(startedAt: string, limitSeconds: number | undefined) {
  const controller = new AbortController();
  if (limitSeconds === undefined) return { signal: controller.signal, clear: () => {} };
  const expire = () =>
    controller.abort(
      new DistilleryError('timeout', `the job ran past limits.maxDurationSeconds, which is ${limitSeconds}`),
    );
  const remaining = Date.parse(startedAt) + limitSeconds * 1000 - Date.now();
  // Timers count to 2³¹ − 1 ms at most; 24 days are looked at again when the next stage begins.
  const timer = setTimeout(expire, Math.min(2 ** 31 - 1, Math.max(0, remaining)));
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
