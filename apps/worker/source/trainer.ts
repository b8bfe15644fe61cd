/**
 * The trainer: a child process that runs one stage, or, with `--probe`, reports which engine starts on this machine and its
 * speed. Training blocks the event loop, and native code can crash the process. Neither may happen to the supervisor,
 * which holds the lock of the stage.
 */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { localFile, openStore, storeCache } from '@distillery/store';
import { measureGigaflops, startEngine } from '@distillery/engine';
import { asDistilleryError, DistilleryError, LostArtifacts } from '@distillery/spec';
import { readConfiguration } from '@distillery/spec/configuration';
import { loadPlugins, runStage, StopTraining } from '@distillery/training';
import type { FromTrainer, Task, ToTrainer } from './messages.ts';
import { isOutOfMemory } from './out-of-memory.ts';

/** Milliseconds between two heartbeats. */
const beatMs = 2000;

/** Aborts when the supervisor stops the stage; loading, training and evaluating all end then. */
const stop = new AbortController();
const askToStop = () => stop.abort(new StopTraining('the stage was asked to stop'));
let finished = false;
// Ctrl-C reaches the whole process group; only the supervisor decides when a trainer stops.
process.on('SIGINT', () => {});
process.on('SIGTERM', askToStop);
// Without its supervisor, a trainer can report nothing.
process.on('disconnect', () => process.exit(finished ? 0 : 1));
process.on('message', ({ task }: ToTrainer) => void answer(() => train(task)));
if (process.argv.includes('--probe')) void answer(probe);

/** Sends the result of `work`, or its error, and ends the process once the message is sent. */
async function answer(work: () => Promise<FromTrainer>): Promise<void> {
  let last: FromTrainer;
  try {
    last = await work();
  } catch (error) {
    if (error instanceof StopTraining) last = { type: 'stopped' };
    else if (error instanceof LostArtifacts) {
      last = { type: 'lost', stages: error.stages, message: error.message };
    } else {
      const { code, message, stack, cause } = typed(error);
      last = { type: 'failed', code, message, stack: `${stack}${describeCause(cause)}` };
    }
  }
  process.send?.(last, () => {
    finished = true;
    process.disconnect();
  });
}

/** Turns an engine's plain error for a failed allocation into `out_of_memory`. */
function typed(error: unknown): DistilleryError {
  const known = asDistilleryError(error);
  if (known.code !== 'internal' || !isOutOfMemory(known.message)) return known;
  const reason = known.message.replace(/^Invalid TF_Status: \d+\s+Message: /, '');
  return new DistilleryError(
    'out_of_memory',
    `the trainer ran out of memory: ${reason}; a smaller training.batchSize or network needs less`,
    { cause: error },
  );
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? `\ncaused by ${cause.stack}${describeCause(cause.cause)}` : '';
}

async function probe(): Promise<FromTrainer> {
  const engine = await startEngine();
  return { type: 'engine', engine: { ...engine, gigaflops: measureGigaflops() } };
}

async function train({ storeDir, dataDir, roots, ...task }: Task): Promise<FromTrainer> {
  stop.signal.throwIfAborted();
  const { plugins, dataDisk, dataMemory } = readConfiguration('trainer', process.env);
  await loadPlugins(plugins);
  let begun = false;
  // Before the first step there is no work to commit, so the process may end in the middle of anything: a source or a store
  // that does not look at the signal delays nothing.
  const stoppedEarly = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => begun || reject(stop.signal.reason as Error));
  });
  let yielded = performance.now();
  let beaten = yielded;
  // Before the first step no loop sends heartbeats. A call that hangs in native code stops this timer, too.
  const loading = setInterval(() => send({ type: 'alive' }), beatMs);
  loading.unref();
  const store = await openStore(storeDir, {
    warn: (message) => send({ type: 'warning', message }),
    cache: storeCache(dataDir, dataDisk),
  });
  const files = { folder: join(dataDir, 'files'), mostBytes: dataDisk };
  const running = runStage({
    ...task,
    engine(threads) {
      // TensorFlow reads it when it starts.
      if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
      return startEngine();
    },
    store,
    data: {
      cacheDir: dataDir,
      roots,
      diskBytes: dataDisk,
      memoryBytes: dataMemory,
      stored: (file) => localFile(store, file, files),
      progress: (message) => send({ type: 'log', line: { source: 'trainer', level: 'info', message } }),
    },
    emit: {
      metrics: (row) => send({ type: 'metrics', row }),
      progress: (progress) => send({ type: 'progress', progress }),
      warning: (message) => send({ type: 'warning', message }),
      skipped: (data) => send({ type: 'skipped', data }),
      checkpoint: (saved) => send({ type: 'checkpoint', saved }),
    },
    signal: stop.signal,
    async pause() {
      // Signals are handled here, between steps; very short steps share a pause.
      if (performance.now() - yielded < 20) return;
      await setImmediate();
      yielded = performance.now();
      clearInterval(loading);
      begun = true;
      if (yielded - beaten >= beatMs) {
        send({ type: 'alive' });
        beaten = yielded;
      }
      stop.signal.throwIfAborted();
    },
  });
  const result = await Promise.race([running, stoppedEarly]);
  clearInterval(loading);
  return { type: 'done', result };
}

function send(message: FromTrainer): void {
  process.send?.(message);
}
