import { randomBytes } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { capabilitiesOf, openQueue, type StageRun } from '@distillery/queue';
import {
  DistilleryError,
  type EngineInfo,
  type JobSpec,
  LostArtifacts,
  type LogLine,
} from '@distillery/spec';
import { type Configuration, defaultOf, environmentOf } from '@distillery/spec/configuration';
import { openStore, storeCache } from '@distillery/store';
import { loadPlugins } from '@distillery/training';
import type { Logger } from 'pino';
import { createReporter } from './reporter.ts';
import { visibleGpu } from './gpus.ts';
import { loadMeter } from './load.ts';
import { memoryOfMachine } from './machine-memory.ts';
import { version as ownVersion } from './version.ts';
import { trainerThreads } from './trainer-environment.ts';
import { probeEngine, runTask } from './trainer-process.ts';

export interface WorkerOptions {
  redisUrl: string;
  /** Prefix of every Redis key; the queue's own default when undefined. */
  prefix?: string | undefined;
  /** The artifact store: its URL, or the path of a folder. */
  store: string;
  /** The folder for downloads and decoded data sets. */
  dataDir: string;
  /** The folders that job specs may read. */
  roots: string[];
  /** Stages that run at once, each in a trainer process; default 1, and always 1 with a GPU. */
  trainers?: number;
  /** Seconds without a heartbeat after which a trainer is killed and its stage retried; default 600. */
  stallSeconds?: number;
  /** Lock timeout in seconds, after which another worker takes the stage of one that stopped responding; default 15. */
  lockSeconds?: number;
  /** Seconds that closing may take; a trainer has two thirds of them to stop. Default 30. */
  graceSeconds?: number;
  /** The rows of metrics that each stage keeps; default 1,000,000. */
  retainMetrics?: number | undefined;
  /** Labels that job specs may ask for; default none. */
  capabilities?: readonly string[];
  /** Seconds without a stage after which the worker closes by itself; default never. */
  oneShot?: number | undefined;
  /** The engine of the trainers; default: ENGINE. */
  engine?: Configuration<'trainer'>['engine'];
  /** How the trainers take steps; default: STEP. */
  step?: Configuration<'trainer'>['step'];
  /** The most bytes of decoded data on the disk; default: DATA_DISK. */
  dataDisk?: Configuration<'trainer'>['dataDisk'];
  /** The most bytes of decoded data that a trainer keeps in memory; default: DATA_MEMORY. */
  dataMemory?: Configuration<'trainer'>['dataMemory'];
  /** Modules that the trainers load at start; default: PLUGINS. */
  plugins?: Configuration<'trainer'>['plugins'];
  log: Logger;
  /** Default: the version of this package. */
  version?: string;
  /** Whether to start with a Redis that can lose jobs; default false. */
  volatileRedis?: boolean;
}

export interface RunningWorker {
  id: string;
  engine: EngineInfo;
  /** Resolves once the worker has closed because it had no stage for `oneShot` seconds. */
  idle: Promise<void>;
  /**
   * Hands the running stages back, or completes them with `finish`, and disconnects from the queue. Trainers commit a
   * checkpoint before their stage is handed back. A second call waits for the first.
   */
  close(options?: { finish?: boolean }): Promise<void>;
}

/**
 * Starts a supervisor. It takes stages from the queue, runs each in a trainer process and stores the reports of the trainer.
 * If Redis cannot be reached, it waits.
 *
 * @throws DistilleryError those of `openStore`; `engine_unavailable` when the engine cannot start on this machine; `redis_unavailable` for a Redis
 *   that can lose jobs
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const {
    redisUrl,
    prefix,
    dataDir,
    roots,
    version = ownVersion,
    trainers: wantedTrainers = defaultOf('trainers'),
    stallSeconds = defaultOf('stallSeconds'),
    lockSeconds = defaultOf('lockSeconds'),
    graceSeconds = defaultOf('graceSeconds'),
  } = options;
  await loadPlugins(options.plugins ?? []);
  const { engine: wantedEngine, step, plugins, dataDisk = defaultOf('dataDisk'), dataMemory } = options;
  const warn = (message: string) => options.log.warn(message);
  // A store that cannot be used is refused now, not in every trainer.
  const store = await openStore(options.store, { warn, cache: storeCache(dataDir, dataDisk) });
  const settings = environmentOf('trainer', { engine: wantedEngine, step, plugins, dataDisk, dataMemory });
  const id = `${hostname()}-${randomBytes(3).toString('hex')}`;
  const log = options.log.child({ worker: id });
  const engine = await probeEngine(log, settings);
  log.info({ engine }, `engine: ${engine.backend}`);
  // TensorFlow allocates the whole memory of a GPU.
  const trainers = engine.name === 'gpu' ? 1 : wantedTrainers;
  const queue = await openQueue({
    url: redisUrl,
    ...(prefix === undefined ? {} : { prefix }),
    metricRows: options.retainMetrics,
    onOutage: 'wait',
    onError: (error) => log.warn({ err: error }, 'Redis'),
  });
  if (!options.volatileRedis) {
    await queue.checkDurability().catch(async (error: unknown) => {
      await queue.close();
      throw error;
    });
  }
  const gpu = engine.name === 'gpu' ? await visibleGpu() : undefined;
  const info = {
    id,
    host: hostname(),
    version,
    engine,
    trainers,
    memoryBytes: memoryOfMachine(),
    labels: options.capabilities ?? [],
    ...(gpu && { gpuMemoryBytes: gpu.memoryBytes }),
  };
  const registration = await queue.workers.register(info, loadMeter(dataDir, gpu !== undefined));
  const running: StageRun[] = [];
  let idleSince = performance.now();
  // The list of workers shows one stage for each worker, the newest.
  const showWork = () => {
    const run = running.at(-1);
    registration.working(run === undefined ? null : { jobId: run.jobId, stageId: run.stageId });
  };
  const consumer = await queue.stages.consume(
    async (run) => {
      const stageLog = log.child({
        job: run.jobId,
        stage: run.stageId,
        attempt: run.attempt,
        ...(run.request === null ? {} : { reqId: run.request }),
      });
      running.push(run);
      showWork();
      stageLog.info('stage started');
      try {
        const result = await supervise(run, stageLog);
        stageLog.info('stage succeeded');
        return result;
      } catch (error) {
        stageLog[run.signal.aborted ? 'info' : 'error']({ err: error }, 'stage ended early');
        throw error;
      } finally {
        running.splice(running.indexOf(run), 1);
        idleSince = performance.now();
        showWork();
      }
    },
    {
      worker: id,
      capabilities: capabilitiesOf(info),
      concurrency: trainers,
      lockDuration: lockSeconds * 1000,
    },
  );

  log.info('worker ready');

  let closing: Promise<void> | undefined;
  let leaving: NodeJS.Timeout | undefined;
  function close(how?: { finish?: boolean }): Promise<void> {
    clearInterval(leaving);
    closing ??= (async () => {
      await consumer.close(how);
      await registration.stop();
      await queue.close();
      log.info('worker closed');
    })();
    return closing;
  }
  const { oneShot } = options;
  const idle = new Promise<void>((resolve, reject) => {
    if (oneShot === undefined) return;
    idleSince = performance.now();
    leaving = setInterval(
      () => {
        if (running.length > 0 || performance.now() - idleSince < oneShot * 1000) return;
        log.info(`no stage for ${oneShot} s: leaving`);
        // A stage that is taken in this moment runs to its end.
        close({ finish: true }).then(resolve, reject);
      },
      Math.min(1000, oneShot * 250),
    );
  });
  return { id, engine, idle, close };

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
      stageLog.warn({ err: error }, 'a report could not be written'),
    );
    const log = (level: LogLine['level'], message: string) =>
      reporter.report({ type: 'log', line: { source: 'supervisor', level, message } });
    const threads = trainerThreads(stage, plan.stages, trainers, availableParallelism());
    log('info', `${id} starts attempt ${run.attempt} with ${threads} threads (${engine.backend})`);
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
          storeDir: store.url,
          dataDir,
          roots,
        },
        {
          settings,
          threads,
          stallMs: stallSeconds * 1000,
          graceMs: (graceSeconds * 2000) / 3,
          signal: AbortSignal.any([run.signal, deadline.signal]),
          report: reporter.report,
          log: stageLog,
        },
      );
      if (outcome.type === 'done') return outcome.result;
      if (outcome.type === 'lost') throw new LostArtifacts(outcome.stages, outcome.message);
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

/** Returns a signal that aborts with a `timeout` error once the job has run for its limit. */
function deadlineOf(startedAt: string, limitSeconds: number | undefined) {
  const controller = new AbortController();
  if (limitSeconds === undefined) return { signal: controller.signal, clear: () => {} };
  const expire = () =>
    controller.abort(
      new DistilleryError('timeout', `the job ran longer than limits.maxDurationSeconds (${limitSeconds})`),
    );
  const remaining = Date.parse(startedAt) + limitSeconds * 1000 - Date.now();
  // A timer can wait for at most 2³¹ − 1 ms (24 days); the next stage sets a new one.
  const timer = setTimeout(expire, Math.min(2 ** 31 - 1, Math.max(0, remaining)));
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
